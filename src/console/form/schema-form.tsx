// A form for a JSON value as its schema describes it, or the value as JSON text: the same value either way.
import { useId, useState } from "preact/hooks";
import { type Violation, messageOf } from "../api/call";
import { type Json, type JsonObject, objectOf } from "../api/json";
import { type Field, fieldsFromSchema, withField } from "./fields";

interface SchemaFormProps {
  schema: JsonObject;
  value: Json;
  /** `undefined`: the text is not JSON at present. */
  onChange: (value: Json | undefined) => void;
  violations: readonly Violation[];
  label: string;
}

export function SchemaForm({ schema, value, onChange, violations, label }: SchemaFormProps) {
  const fields = fieldsFromSchema(schema);
  const [isJson, setJson] = useState(fields === undefined);
  if (fields?.length === 0) return <p class="faint">The request has no fields.</p>;
  return (
    <div class="form">
      {isJson || fields === undefined ? (
        <JsonField label={label} value={value} onChange={onChange} />
      ) : (
        <Fields fields={fields} value={objectOf(value)} onChange={onChange} violations={violations} path="" />
      )}
      {fields === undefined ? null : (
        <button type="button" class="quiet small" onClick={() => setJson(!isJson)}>
          {isJson ? "Edit as a form" : "Edit as JSON"}
        </button>
      )}
    </div>
  );
}

interface FieldsProps {
  fields: readonly Field[];
  value: JsonObject;
  onChange: (value: JsonObject) => void;
  violations: readonly Violation[];
  path: string;
}

function Fields({ fields, value, onChange, violations, path }: FieldsProps) {
  return (
    <>
      {fields.map((field) => (
        <FieldControl
          key={field.name}
          field={field}
          value={value[field.name]}
          onChange={(next) => onChange(withField(value, field.name, next))}
          violations={violations}
          path={path === "" ? field.name : `${path}.${field.name}`}
        />
      ))}
    </>
  );
}

interface FieldControlProps {
  field: Field;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
  violations: readonly Violation[];
  path: string;
}

function FieldControl({ field, value, onChange, violations, path }: FieldControlProps) {
  const id = useId();
  const { name, description, isRequired, control } = field;
  const wrong = violations.filter((violation) => violation.field === path || violation.field.endsWith(`.${path}`));
  if (control.kind === "group") {
    return (
      <fieldset>
        <legend>
          {name}
          {isRequired ? <Required /> : null}
        </legend>
        {description === "" ? null : <p class="hint">{description}</p>}
        <Fields
          fields={control.fields}
          value={objectOf(value)}
          onChange={(next) => onChange(Object.keys(next).length === 0 && !isRequired ? undefined : next)}
          violations={violations}
          path={path}
        />
      </fieldset>
    );
  }
  if (control.kind === "boolean") {
    return (
      <fieldset class="plain">
        <legend>
          {name}
          {isRequired ? <Required /> : null}
        </legend>
        <Hints id={id} description={description} wrong={wrong} />
        <div class="radios">
          {[true, false].map((choice) => (
            <label key={String(choice)}>
              <input type="radio" name={id} checked={value === choice} onChange={() => onChange(choice)} />
              {choice ? "Yes" : "No"}
            </label>
          ))}
          {isRequired ? null : (
            <label>
              <input type="radio" name={id} checked={value === undefined} onChange={() => onChange(undefined)} />
              Not set
            </label>
          )}
        </div>
      </fieldset>
    );
  }
  if (control.kind === "json") {
    return (
      <JsonField
        label={name}
        value={value}
        onChange={onChange}
        description={description}
        isRequired={isRequired}
        wrong={wrong}
      />
    );
  }
  const common = {
    id,
    "aria-describedby": `${id}-hints`,
    "aria-required": isRequired,
    "aria-invalid": wrong.length > 0,
  };
  return (
    <div class="field">
      <label for={id}>
        {name}
        {isRequired ? <Required /> : null}
      </label>
      {control.kind === "choice" ? (
        <select
          {...common}
          value={typeof value === "string" || typeof value === "number" ? String(value) : ""}
          onChange={({ currentTarget }) => onChange(control.values.find((one) => String(one) === currentTarget.value))}
        >
          <option value="">–</option>
          {control.values.map((one) => (
            <option key={one} value={String(one)}>
              {one}
            </option>
          ))}
        </select>
      ) : control.kind === "number" ? (
        <input
          {...common}
          type="number"
          step={control.isInteger ? 1 : "any"}
          min={control.min}
          max={control.max}
          value={typeof value === "number" ? value : ""}
          onInput={({ currentTarget }) =>
            onChange(currentTarget.value === "" ? undefined : currentTarget.valueAsNumber)
          }
        />
      ) : control.kind === "list" ? (
        <textarea
          {...common}
          rows={3}
          placeholder="one on each line"
          value={Array.isArray(value) ? value.join("\n") : ""}
          onInput={({ currentTarget: { value: text } }) => onChange(text === "" ? undefined : text.split("\n"))}
        />
      ) : (
        <input
          {...common}
          type="text"
          placeholder={control.placeholder}
          value={typeof value === "string" ? value : ""}
          onInput={({ currentTarget: { value: text } }) => onChange(text === "" ? undefined : text)}
        />
      )}
      <Hints id={id} description={description} wrong={wrong} />
    </div>
  );
}

function Required() {
  return (
    <span class="required" title="required">
      {" "}
      required
    </span>
  );
}

function Hints({ id, description, wrong }: { id: string; description: string; wrong: readonly Violation[] }) {
  return (
    <div id={`${id}-hints`}>
      {description === "" ? null : <p class="hint">{description}</p>}
      {wrong.map((violation) => (
        <p key={violation.description} class="bad-text small-text">
          {violation.description}
        </p>
      ))}
    </div>
  );
}

interface JsonFieldProps {
  label: string;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
  description?: string;
  isRequired?: boolean;
  wrong?: readonly Violation[];
}

function JsonField({ label, value, onChange, description = "", isRequired = false, wrong = [] }: JsonFieldProps) {
  const id = useId();
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const [problem, setProblem] = useState("");
  const edit = (next: string) => {
    setText(next);
    try {
      onChange(next.trim() === "" ? undefined : (JSON.parse(next) as Json));
      setProblem("");
    } catch (error) {
      setProblem(`This is not JSON: ${messageOf(error)}`);
      onChange(undefined);
    }
  };
  return (
    <div class="field">
      <label for={id}>
        {label} <span class="faint">as JSON</span>
        {isRequired ? <Required /> : null}
      </label>
      <textarea
        id={id}
        class="mono"
        rows={Math.min(16, Math.max(3, text.split("\n").length + 1))}
        spellcheck={false}
        aria-describedby={`${id}-hints`}
        aria-invalid={problem !== "" || wrong.length > 0}
        value={text}
        onInput={({ currentTarget }) => edit(currentTarget.value)}
      />
      <Hints
        id={id}
        description={description}
        wrong={problem === "" ? wrong : [{ field: label, description: problem }, ...wrong]}
      />
    </div>
  );
}
