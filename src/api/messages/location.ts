// google.cloud.location (google/cloud/location/locations.proto).
import { any, int32, mapOf, messageField, repeated, string } from "../../protobuf/fields";
import { message } from "../../protobuf/message";

const google = { protoFile: "google/cloud/location/locations.proto" };

export const Location = message(
  "google.cloud.location.Location",
  {
    name: string(1, { description: "`projects/{project}/locations/{location}`" }),
    locationId: string(4),
    displayName: string(5),
    labels: mapOf("string", string(2)),
    metadata: any(3),
  },
  { ...google, description: "A location that the deployment declares." },
);

export const GetLocationRequest = message(
  "google.cloud.location.GetLocationRequest",
  { name: string(1, { description: "`projects/{project}/locations/{location}`" }) },
  google,
);

export const ListLocationsRequest = message(
  "google.cloud.location.ListLocationsRequest",
  {
    name: string(1, { description: "`projects/{project}`" }),
    filter: string(2, { description: "Must be empty: locations are few." }),
    pageSize: int32(3),
    pageToken: string(4),
  },
  google,
);

export const ListLocationsResponse = message(
  "google.cloud.location.ListLocationsResponse",
  { locations: repeated(messageField(1, Location)), nextPageToken: string(2) },
  google,
);
