// Schema and statements of the requestIds that shard 0 of an index reserves (docs/storage-schema.md). PERSISTED CONTRACT.
import type { Reservation } from "../../list/reservation";

// WITHOUT ROWID and without an index: one row written per reservation. Digests and ids are stored as bytes: a row takes
// about 150.
const SCHEMA = `CREATE TABLE IF NOT EXISTS reservations (
    key BLOB PRIMARY KEY,
    operation_id BLOB NOT NULL,
    create_time INTEGER NOT NULL,
    body_digest BLOB NOT NULL,
    created INTEGER NOT NULL,
    input_digest BLOB,
    is_here INTEGER NOT NULL
  ) WITHOUT ROWID`;

export function createReservations(sql: SqlStorage): void {
  sql.exec(SCHEMA);
}

export function hasReservations(sql: SqlStorage): boolean {
  return sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'reservations'`).toArray().length > 0;
}

export interface StoredReservation extends Reservation {
  key: string;
  /** Its operation has its row in this shard, so that row tells whether the operation is there. */
  isHere: boolean;
}

interface Row {
  [column: string]: SqlStorageValue;
  key: string;
  operation_id: string;
  create_time: number;
  body_digest: string;
  created: number;
  input_digest: string | null;
  is_here: number;
}

const COLUMNS = `lower(hex(key)) AS key, lower(hex(operation_id)) AS operation_id, create_time,
  lower(hex(body_digest)) AS body_digest, created, lower(hex(input_digest)) AS input_digest, is_here`;

export function selectReservation(sql: SqlStorage, key: string): StoredReservation | undefined {
  const [row] = sql.exec<Row>(`SELECT ${COLUMNS} FROM reservations WHERE key = unhex(?)`, key).toArray();
  return row && reservationFromRow(row);
}

export function selectReservations(sql: SqlStorage, after: string, limit: number): StoredReservation[] {
  return sql
    .exec<Row>(`SELECT ${COLUMNS} FROM reservations WHERE key > unhex(?) ORDER BY key LIMIT ?`, after, limit)
    .toArray()
    .map(reservationFromRow);
}

export function insertReservation(sql: SqlStorage, key: string, reservation: Reservation): void {
  const { operationId, createTime, bodyDigest, created, inputDigest = null } = reservation;
  sql.exec(
    `INSERT INTO reservations (key, operation_id, create_time, body_digest, created, input_digest, is_here)
     VALUES (unhex(?), unhex(?), ?, unhex(?), ?, unhex(?), 0) ON CONFLICT (key) DO NOTHING`,
    key,
    operationId,
    createTime,
    bodyDigest,
    created ? 1 : 0,
    inputDigest,
  );
}

/** Its operation was created: one that is gone from now on was deleted, or has expired. */
export function markReservation(sql: SqlStorage, { key, operationId, inputDigest = null, isHere }: CreatedMark): void {
  sql.exec(
    `UPDATE reservations SET created = 1, input_digest = unhex(?), is_here = ?
     WHERE key = unhex(?) AND operation_id = unhex(?) AND created = 0`,
    inputDigest,
    isHere ? 1 : 0,
    key,
    operationId,
  );
}

export interface CreatedMark {
  key: string;
  operationId: string;
  inputDigest?: string | null | undefined;
  isHere: boolean;
}

/** Forgets a reservation, unless another operation has it by now. */
export function deleteReservation(sql: SqlStorage, { key, operationId }: StoredReservation): void {
  sql.exec(`DELETE FROM reservations WHERE key = unhex(?) AND operation_id = unhex(?)`, key, operationId);
}

function reservationFromRow(row: Row): StoredReservation {
  return {
    key: row.key,
    operationId: row.operation_id,
    createTime: row.create_time,
    bodyDigest: row.body_digest,
    created: row.created === 1,
    isHere: row.is_here === 1,
    // hex() of NULL is empty.
    ...(row.input_digest === null || row.input_digest === "" ? {} : { inputDigest: row.input_digest }),
  };
}
