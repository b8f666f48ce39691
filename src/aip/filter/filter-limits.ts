// The bounds of a list filter (AIP-160, "Limitations"), all of them documented in docs/filters.md.

/** Characters (UTF-16 units) of a filter: it travels in a URL, and proxies cut those at 8 KiB. */
export const MAX_FILTER_CHARACTERS = 4_096;
/** Parentheses and calls within one another: bounds the parser's recursion and the matcher's. */
export const MAX_FILTER_DEPTH = 16;
/** Restrictions of a filter, each value of a composite argument counted: bounds what is evaluated for each row. */
export const MAX_FILTER_TERMS = 64;
/** Names in one path, `a.b.c` being three: deeper than any metadata that people filter by. */
export const MAX_PATH_SEGMENTS = 16;

/** Characters of the text that was found in the place of an error. */
export const MAX_FOUND_CHARACTERS = 40;
