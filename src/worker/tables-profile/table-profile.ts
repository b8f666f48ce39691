// The answer of tables:profile: what is in each column of a table.

/** The narrowest type that every non-empty value of a column fits; a column without values is a `string`. */
export type ColumnType = "integer" | "number" | "boolean" | "date" | "timestamp" | "string";

/** A value as written in the table and the number of cells that hold it. */
export interface ValueCount {
  /** At most 256 code points; a longer value is its first 256 and `…`. */
  value: string;
  count: number;
}

/**
 * The profile of one column. An empty cell (nothing between the delimiters, `""`, or a field that a short row lacks) is
 * no value: it is counted in `emptyCount` and nowhere else. Values are compared as written: `1` and `1.0` are two.
 */
export interface ColumnProfile {
  /** As in the header row, which may leave it empty or use it twice: columns are told apart by their place. */
  name: string;
  /**
   * - `integer`: `0` or `-?[1-9][0-9]*`, so neither `007` nor `+1`, which are codes.
   * - `number`: a JSON number (RFC 8259) within the range of a double.
   * - `boolean`: `true` or `false` in any case.
   * - `date`: a full-date of RFC 3339 that the calendar has.
   * - `timestamp`: a date-time of RFC 3339.
   *
   * A value of more than 64 characters makes its column a `string`.
   */
  type: ColumnType;
  /** Cells without a value. `rowCount - emptyCount` cells have one. */
  emptyCount: number;
  distinctCount: number;
  /**
   * Set where the column has more different values than fit in memory: at least `distinctCount`, which is 50,001 unless
   * the columns together need more than 16 MiB before that.
   */
  distinctCountIsMinimum?: true;
  /**
   * The least value. Absent if the column has no values. A number for `integer` and `number`, except that an integer
   * beyond ±(2^53 - 1) is its decimal digits as a string, to stay exact. A boolean for `boolean` (false before true).
   * For `date` and `timestamp` the earliest as written. For `string` the first in code point order, cut like
   * `ValueCount.value`.
   */
  min?: number | boolean | string;
  /** The greatest value, in the form of `min`. */
  max?: number | boolean | string;
  /** `integer` and `number`: the arithmetic mean as a double; absent where the sum is beyond the range of a double. */
  mean?: number;
  /** `string`: the length of the shortest value, in Unicode code points. */
  shortest?: number;
  /** `string`: the length of the longest value, in Unicode code points. */
  longest?: number;
  /** Up to five values, most frequent first, values of equal count in code point order. */
  mostFrequent: ValueCount[];
  /**
   * Set with `distinctCountIsMinimum`: `mostFrequent` has the most frequent of the values before there were too many. Their
   * counts are exact, but a value that came later may be as frequent.
   */
  mostFrequentIsPartial?: true;
}

/** The profile of a table. Plain JSON. */
export interface TableProfile {
  /** Rows below the header. A line without a single character is no row. */
  rowCount: number;
  columnCount: number;
  /** Rows with fewer or more fields than the header. Fields beyond the header's are not profiled. */
  raggedRowCount: number;
  columns: ColumnProfile[];
}

export interface TablesProfileResponse extends TableProfile {}
