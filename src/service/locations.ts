// google.cloud.location.Locations (google/cloud/location/locations.proto): the locations that a deployment declares.
import { invalidArgument, notFound } from "../rpc/error";
import type { JsonObject } from "../rpc/any";
import { checkOptions, shown } from "../method/declaration-check";
import type { Place } from "./ports";

/** A location as the deployment declares it. Operations started under it live where it says. */
export interface Location {
  /** The last segment of its name: `europe-west1`. */
  locationId: string;
  displayName?: string;
  labels?: Readonly<Record<string, string>>;
  /** Where Cloudflare is asked to create the operations' objects (a Durable Objects location hint, `weur`): best effort. */
  placementHint?: string;
  /** Where they are guaranteed to stay (a Durable Objects jurisdiction, `eu`). */
  jurisdiction?: string;
}

const LOCATION_OPTIONS: Record<keyof Required<Location>, true> = {
  locationId: true,
  displayName: true,
  labels: true,
  placementHint: true,
  jurisdiction: true,
};

/**
 * The locations of a deployment, as JavaScript may declare them.
 *
 * @throws TypeError that names the location and the option, and says what to write.
 */
export function checkLocations(locations: unknown): void {
  if (locations === undefined) return;
  if (!Array.isArray(locations)) {
    throw new TypeError('operations(): locations must be a list: [{ locationId: "eu", jurisdiction: "eu" }]');
  }
  for (const [index, location] of locations.entries()) checkLocation(`operations(): locations[${index}]`, location);
}

function checkLocation(at: string, location: unknown): void {
  checkOptions(at, location, LOCATION_OPTIONS);
  const { locationId, labels = {}, ...texts } = location as Record<string, unknown>;
  // A segment of names: `projects/p/locations/{locationId}`. "-" stands for all locations.
  if (typeof locationId !== "string" || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(locationId))
    throw new TypeError(`${at}.locationId is ${shown(locationId)}; write letters, digits and ._-: "europe-west1"`);
  for (const [option, text] of [...Object.entries(texts), ...Object.entries(labels ?? {})]) {
    if (text === undefined || (typeof text === "string" && text !== "")) continue;
    throw new TypeError(`${at}: ${option} is ${shown(text)}; it must be a text that is not empty`);
  }
}

/** The declared locations by id; empty where the deployment declares none and any may be named. */
export type Locations = ReadonlyMap<string, Location>;

function locationIdOfParent(parent: string): string | undefined {
  return /^projects\/[^/]+\/locations\/([^/]+)(?:\/|$)/.exec(parent)?.[1];
}

function locationOfParent(locations: Locations, parent: string): Location | undefined {
  const locationId = locationIdOfParent(parent);
  return locationId === undefined ? undefined : locations.get(locationId);
}

/** Where the operations under a parent live; an undeclared location is INVALID_ARGUMENT where any are declared. */
export function placeFromParent(locations: Locations, parent: string): Place {
  const locationId = locationIdOfParent(parent);
  if (locationId === undefined || locations.size === 0) return {};
  const location = locationOfParent(locations, parent);
  if (location) return { jurisdiction: location.jurisdiction, placementHint: location.placementHint };
  const known = [...locations.keys()].join(", ");
  const description = `the location ${JSON.stringify(locationId)} is not served here; these are: ${known}`;
  throw invalidArgument([{ field: "parent", description }], { reason: "LOCATION_UNKNOWN" });
}

/** Where a parent's operations are indexed; undefined outside of every declared jurisdiction. */
export function jurisdictionOfParent(locations: Locations, parent: string): string | undefined {
  return locationOfParent(locations, parent)?.jurisdiction;
}

/** The jurisdictions in which a list's operations may be: undefined stands for none, the rest of the world. */
export function jurisdictionsOfParent(locations: Locations, parent: string): (string | undefined)[] {
  const locationId = locationIdOfParent(parent);
  if (locationId !== undefined && locationId !== "-") return [jurisdictionOfParent(locations, parent)];
  // Other parents name no location, and operations under them are nowhere in particular.
  if (locationId === undefined) return [undefined];
  return [...new Set([undefined, ...[...locations.values()].map(({ jurisdiction }) => jurisdiction)])];
}

/**
 * The part of a list that is missing while the index in a jurisdiction cannot be reached (AIP-217): its locations if
 * the list covers several; otherwise the parent up to its first wildcard, or `operations` for the bare collection.
 */
export function resourcesOutOfReach(locations: Locations, parent: string, jurisdiction: string | undefined): string[] {
  const segments = parent.split("/");
  const wildcard = segments.findIndex((segment, index) => index % 2 === 1 && segment === "-");
  const named = wildcard === -1 ? parent : segments.slice(0, wildcard - 1).join("/");
  const there = [...locations.values()].filter((location) => location.jurisdiction === jurisdiction);
  const isOverLocations = locationIdOfParent(parent) === "-" && there.length > 0;
  if (isOverLocations) return there.map(({ locationId }) => `${named}/locations/${locationId}`);
  return [named === "" ? "operations" : named];
}

function locationJson(project: string, { locationId, displayName, labels }: Location): JsonObject {
  return {
    name: `${project}/locations/${locationId}`,
    locationId,
    ...(displayName === undefined ? {} : { displayName }),
    ...(labels === undefined ? {} : { labels: { ...labels } }),
  };
}

export interface ListLocationsRequest {
  /** `projects/{project}` */
  name: string;
  pageSize?: number | undefined;
  pageToken?: string | undefined;
}

/** The declared locations in the order of their declaration, as a ListLocationsResponse. A page token is the last id seen. */
export function listLocations(
  locations: Locations,
  { name, pageSize = 0, pageToken }: ListLocationsRequest,
): JsonObject {
  if (pageSize < 0)
    throw invalidArgument([{ field: "pageSize", description: `must not be negative, but is ${pageSize}` }]);
  const all = [...locations.values()];
  const seen = pageToken ? all.findIndex(({ locationId }) => locationId === pageToken) : -1;
  if (pageToken && seen === -1)
    throw invalidArgument([{ field: "pageToken", description: "is not a token of this list" }]);
  const rest = all.slice(seen + 1);
  const page = pageSize === 0 ? rest : rest.slice(0, pageSize);
  const nextPageToken = page.length < rest.length ? page.at(-1)?.locationId : undefined;
  return {
    locations: page.map((location) => locationJson(name, location)),
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
  };
}

export function getLocation(locations: Locations, name: string): JsonObject {
  const [, project = "", locationId = ""] = /^(projects\/[^/]+)\/locations\/([^/]+)$/.exec(name) ?? [];
  const location = locations.get(locationId);
  if (!location) throw notFound("google.cloud.location.Location", name);
  return locationJson(project, location);
}
