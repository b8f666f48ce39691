// Every number of tables:profile. Together they keep its memory near 35 MiB of the 128 MB that a Workers isolate has.

/** The parser is handed this much at a time; bounds what is unparsed, and the work between two looks at the signal. */
export const PIECE_BYTES = 64 * 1024;

/** Longest row, line end included: a quote left open would otherwise gather the rest of the file in memory. */
export const MAX_ROW_BYTES = 1024 * 1024;

/** Widest table: state is kept for every column. */
export const MAX_COLUMNS = 1_000;

/** A longer value is a string, whatever is in it; keeps the reading of numerals and timestamps short. UTF-16 units. */
export const MAX_TYPED_VALUE_LENGTH = 64;

/** Longer values are cut to this in the profile (and told apart by a digest); 1,000 columns then answer under 8 MiB. */
export const MAX_KEPT_VALUE_CODE_POINTS = 256;

export const MAX_MOST_FREQUENT_VALUES = 5;

/** Distinct values counted in one column, so that one column of keys does not use up the table's share. */
export const MAX_COUNTED_VALUES_PER_COLUMN = 50_000;

/** Memory for all the counted values of a table, as reckoned by `MAP_ENTRY_BYTES`. */
export const MAX_COUNTED_VALUES_PER_TABLE_BYTES = 16 * 1024 * 1024;

/** V8's overhead for a map entry and its string's header. The string's own UTF-16 units come on top. */
export const MAP_ENTRY_BYTES = 100;

/** Bytes between two calls of `onProgress`: at most 128 calls for 32 MiB. */
export const PROGRESS_INTERVAL_BYTES = 256 * 1024;
