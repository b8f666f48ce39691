// The known name that a misspelled one is probably meant to be.
import { MAX_COMPARED_CHARACTERS } from "../limits";

/** More edits than this, or than a third of the name, make another word. */
const MAX_EDITS = 3;
/** undefined: no name is near. Case and underscores are ignored: `Time_Out` is `timeOut`. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const folded = fold(name);
  if (folded === "" || folded.length > MAX_COMPARED_CHARACTERS) return undefined;
  let nearest: { name: string; edits: number } | undefined;
  for (const candidate of known) {
    const other = fold(candidate);
    const most = Math.min(MAX_EDITS, Math.floor(Math.max(folded.length, other.length) / 3));
    if (Math.abs(folded.length - other.length) > most || other.length > MAX_COMPARED_CHARACTERS) continue;
    const edits = editDistance(folded, other);
    if (edits <= most && edits < (nearest?.edits ?? Infinity)) nearest = { name: candidate, edits };
  }
  return nearest?.name;
}

function fold(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(one: string, other: string): number {
  let before: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isSwapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current.push(
        Math.min(
          above[column]! + 1,
          current[column - 1]! + 1,
          above[column - 1]! + (isSame ? 0 : 1),
          isSwapped ? before[column - 2]! + 1 : Infinity,
        ),
      );
    }
    [before, above] = [above, current];
  }
  return above[other.length]!;
}
