// The fields of an answer that a request names: "name,error(code,message)", or a google.protobuf.FieldMask with its dots.
//
//     mask = item { "," item }
//     item = path [ "(" mask ")" ]
//     path = name { ( "/" | "." ) name }
//     name = ( "*" | "_" | "-" | "@" | letter | digit ) { the same }
import { MAX_FIELDS_CHARACTERS } from "../limits";

/** The named fields, each with what is named below it. {@link WHOLE} keeps a field as it is. */
export type FieldMask = Map<string, FieldMask>;

export const WHOLE: FieldMask = new Map();

const NAME = /^[\w*@-]/;

/** The union of all items, so `error/code,error/message` keeps both. undefined: the text does not follow the grammar. */
export function parseFieldMask(text: string): FieldMask | undefined {
  if (text.length > MAX_FIELDS_CHARACTERS) return undefined;
  const mask: FieldMask = new Map();
  const enclosing = [mask];
  let parent = mask;
  let name = "";
  let before = "(";
  // The last comma ends the last item.
  for (const token of [...(text.match(/[\w*@-]+|\S/g) ?? []), ","]) {
    const isAfterName = NAME.test(before);
    switch (token) {
      case "/":
      case ".":
        if (!isAfterName) return undefined;
        parent = entered(parent, name);
        break;
      case "(":
        if (!isAfterName) return undefined;
        enclosing.push(entered(parent, name));
        break;
      case ",":
      case ")":
        if (isAfterName) parent.set(name, WHOLE);
        else if (before !== ")") return undefined;
        if (token === ")" && enclosing.length === 1) return undefined;
        if (token === ")") enclosing.pop();
        break;
      default:
        if (isAfterName || before === ")" || !NAME.test(token)) return undefined;
        if (before === "(" || before === ",") parent = enclosing.at(-1)!;
        name = token;
    }
    before = token;
  }
  return enclosing.length === 1 ? mask : undefined;
}

/** The mask below a name. A field that is kept whole stays whole. */
function entered(mask: FieldMask, name: string): FieldMask {
  const known = mask.get(name);
  if (known !== undefined && known !== WHOLE) return known;
  const below: FieldMask = new Map();
  if (known === undefined) mask.set(name, below);
  return below;
}
