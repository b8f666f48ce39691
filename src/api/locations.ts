// google.cloud.location.Locations (google/cloud/location/locations.proto).
import { invalidArgument } from "../rpc/error";
import { getLocation, listLocations } from "../service/locations";
import { GetLocationRequest, ListLocationsRequest, ListLocationsResponse, Location } from "./messages/location";
import { type ApiMethod, apiMethod } from "./method";

export const locations: readonly ApiMethod[] = [
  apiMethod({
    name: "google.cloud.location.Locations.ListLocations",
    description: "Lists the locations that the deployment declares.",
    http: [{ method: "GET", template: "/{version}/{name=projects/*}/locations" }],
    request: ListLocationsRequest,
    response: ListLocationsResponse,
    permission: "none",
    on: "everyone",
    handle: async ({ filter = "", pageSize, pageToken }, { resource, service: { deployment } }) => {
      if (filter !== "")
        throw invalidArgument([{ field: "filter", description: "locations are few and take no filter" }]);
      return listLocations(deployment.locations, { name: resource, pageSize, pageToken });
    },
  }),
  apiMethod({
    name: "google.cloud.location.Locations.GetLocation",
    description: "Gets a location that the deployment declares.",
    http: [{ method: "GET", template: "/{version}/{name=projects/*/locations/*}" }],
    request: GetLocationRequest,
    response: Location,
    permission: "none",
    on: "everyone",
    handle: async (_, { resource, service: { deployment } }) => getLocation(deployment.locations, resource),
  }),
];
