// The system parameter prettyPrint: the answer indented, as far as that is small enough. Indentation multiplies deep JSON, so
// a larger answer comes as it is; it means the same.
import { MAX_INDENTED_CHARACTERS, MAX_INDENTED_SOURCE_BYTES } from "../limits";
import { rewrittenResponse } from "./rewritten-response";

const INDENT = 2;

/** The JSON indented by two spaces a level, or as it is where that would be longer than {@link MAX_INDENTED_CHARACTERS}. */
export function indentedJson(json: string): string {
  if (json.length > MAX_INDENTED_SOURCE_BYTES || isLongerIndented(json, MAX_INDENTED_CHARACTERS)) return json;
  return JSON.stringify(JSON.parse(json), null, INDENT);
}

/** An answer indented. One that is too long for it is passed on without being held in memory. */
export function indentedResponse(response: Response): Promise<Response> {
  return rewrittenResponse(response, MAX_INDENTED_SOURCE_BYTES, indentedJson);
}

/** Counted, and not tried: each bracket and comma outside of strings begins a line as deep as it stands. */
function isLongerIndented(json: string, maxCharacters: number): boolean {
  let characters = json.length;
  let level = 0;
  let inString = false;
  for (let index = 0; index < json.length && characters <= maxCharacters; index += 1) {
    const character = json[index];
    if (inString) {
      if (character === "\\") index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") {
      level += 1;
      characters += 1 + INDENT * level;
    } else if (character === "}" || character === "]") {
      level -= 1;
      characters += 1 + INDENT * level;
    } else if (character === ",") characters += 1 + INDENT * level;
    else if (character === ":") characters += 1;
  }
  return characters > maxCharacters;
}
