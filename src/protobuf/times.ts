// google.protobuf.Timestamp and Duration: text, kept as proto3 JSON writes it (UTC, 0, 3, 6 or 9 fractional digits).
import { formatDuration, parseDuration } from "../aip/duration";
import { formatTimestamp, parseTimestamp } from "../aip/timestamp";
import type { WellKnownType } from "./declaration";

export const timestampType: WellKnownType<string> = {
  kind: "wellKnown",
  name: "google.protobuf.Timestamp",
  read(input, reading) {
    const timestamp = typeof input === "string" ? parseTimestamp(input) : undefined;
    if (timestamp) return formatTimestamp(timestamp);
    return reading.report('must be an RFC 3339 timestamp, like "2026-01-31T12:00:00Z"');
  },
  fromText: (text) => text,
};

export const durationType: WellKnownType<string> = {
  kind: "wellKnown",
  name: "google.protobuf.Duration",
  read(input, reading) {
    const duration = typeof input === "string" ? parseDuration(input) : undefined;
    return duration ? formatDuration(duration) : reading.report('must be a Duration, like "5s"');
  },
  fromText: (text) => text,
};
