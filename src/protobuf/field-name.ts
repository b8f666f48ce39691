// The two names of a field (proto3 JSON mapping, AIP-140): lower_snake_case in .proto, lowerCamelCase in JSON.

/** `page_size` → `pageSize`, as protobuf derives a field's json_name. A camelCase name stays as it is. */
export function jsonNameFromProtoName(protoName: string): string {
  if (!protoName.includes("_")) return protoName;
  return protoName.replaceAll(/_+([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
}

/** `pageSize` → `page_size`. */
export function protoNameFromJsonName(jsonName: string): string {
  return jsonName.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Checks a lowerCamelCase name. @throws TypeError if .proto and JSON could not both name a field like that. */
export function checkJsonName(jsonName: string, where: string): void {
  // A property that every object inherits (`constructor`, `toString`) would be read if the field is absent.
  if (/^[a-z][A-Za-z0-9]*$/.test(jsonName) && !(jsonName in Object.prototype)) return;
  throw new TypeError(`${where}: ${JSON.stringify(jsonName)} is no field name; write it in lowerCamelCase`);
}

/** Checks a full name, `example.tables.v1.Table`. @throws TypeError if it is not one. */
export function checkFullName(fullName: string): void {
  if (/^(?:[a-zA-Z_]\w*\.)*[A-Z]\w*$/.test(fullName)) return;
  throw new TypeError(`${JSON.stringify(fullName)} is no full name; write package and type: "example.v1.Table"`);
}
