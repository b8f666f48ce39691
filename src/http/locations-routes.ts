// google.cloud.location.Locations over HTTP (google.api.http of locations.proto).
import {
  GetLocationRequest,
  ListLocationsRequest,
  ListLocationsResponse,
  Location,
} from "../describe/messages/location";
import { getLocation, listLocations } from "../service/locations";
import { everyone } from "./judge";
import { type Call, pathVariable, queryOf } from "./call";
import { jsonResponse } from "./operation-response";
import { locationListShape, locationShape } from "./partial-response";
import { intParameter } from "./query";
import { invalidArgument } from "../rpc/error";
import type { Route } from "./route";

export const locationsRoutes: readonly Route[] = [
  {
    method: "GET",
    template: "/{version}/{name=projects/*}/locations",
    rpc: {
      name: "google.cloud.location.Locations.ListLocations",
      description: "Lists the locations that the deployment declares.",
      request: ListLocationsRequest,
      body: undefined,
      query: ["filter", "pageSize", "pageToken"],
      response: ListLocationsResponse,
    },
    answer: locationListShape,
    judge: everyone,
    handler: list,
  },
  {
    method: "GET",
    template: "/{version}/{name=projects/*/locations/*}",
    rpc: {
      name: "google.cloud.location.Locations.GetLocation",
      description: "Gets a location that the deployment declares.",
      request: GetLocationRequest,
      body: undefined,
      query: [],
      response: Location,
    },
    answer: locationShape,
    judge: everyone,
    handler: get,
  },
];

async function list(call: Call): Promise<Response> {
  const { filter, pageSize, pageToken } = queryOf(call);
  if (filter) throw invalidArgument([{ field: "filter", description: "locations are few and take no filter" }]);
  const { locations } = call.service.deployment;
  const name = pathVariable(call, "name");
  const request = { name, pageSize: intParameter("pageSize", pageSize), pageToken };
  return jsonResponse(JSON.stringify(listLocations(locations, request)));
}

async function get(call: Call): Promise<Response> {
  queryOf(call);
  return jsonResponse(JSON.stringify(getLocation(call.service.deployment.locations, pathVariable(call, "name"))));
}
