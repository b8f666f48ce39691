// Starts an operation: a form for each method that the deployment declares, made of its OpenAPI document.
import { useEffect, useState } from "preact/hooks";
import { ApiError, type Violation, call } from "../api/call";
import { savedCredentials } from "../api/credentials";
import { type Json, type JsonObject, objectOf, textOf } from "../api/json";
import { type DeclaredMethod, declaredMethods } from "../api/openapi";
import type { Operation } from "../api/operation";
import { rememberStarted } from "../api/started-here";
import { SchemaForm } from "../form/schema-form";
import { go } from "../navigation";
import { recentParents } from "../parent-field";
import { CopyButton } from "../parts/copy-button";
import { ErrorNote } from "../parts/error-note";
import { hashFromRoute } from "../route";
import { curlLine } from "./curl-line";

export function StartPage({ method: chosen }: { method: string }) {
  const [methods, setMethods] = useState<readonly DeclaredMethod[]>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    declaredMethods().then(setMethods, setError);
  }, []);
  const method = methods?.find(({ path }) => path === chosen) ?? (methods?.length === 1 ? methods[0] : undefined);
  return (
    <main id="main" class="page">
      <h1>Start an operation</h1>
      {error === undefined ? null : <ErrorNote error={error} title="The methods could not be read." />}
      {methods?.length === 0 ? <p class="empty">This deployment declares no methods.</p> : null}
      <nav class="chips method-chips" aria-label="Methods">
        {methods?.map(({ id, path }) => (
          <a
            key={path}
            class="chip"
            href={hashFromRoute({ page: "start", method: path })}
            aria-current={path === method?.path ? "true" : undefined}
          >
            {id}
          </a>
        ))}
      </nav>
      {method ? (
        <StartForm key={method.path} method={method} />
      ) : methods && methods.length > 0 ? (
        <p class="empty faint">Choose a method.</p>
      ) : null}
    </main>
  );
}

function StartForm({ method }: { method: DeclaredMethod }) {
  const [path, setPath] = useState(() => pathDefaults(method));
  const [query, setQuery] = useState<Readonly<Record<string, string>>>({});
  const [body, setBody] = useState<Json | undefined>({});
  const [file, setFile] = useState<File>();
  const [contentType, setContentType] = useState(method.rawTypes[0] ?? "");
  const [labels, setLabels] = useState("");
  const [scheduleTime, setScheduleTime] = useState("");
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const [isValid, setValid] = useState(false);
  // One id until something is changed: a repeated click starts one operation.
  const [requestId, setRequestId] = useState(() => crypto.randomUUID());
  const changed = () => {
    setRequestId(crypto.randomUUID());
    setValid(false);
  };

  const isRaw = method.rawTypes.length > 0;
  const options = {
    ...labelsFrom(labels),
    ...(scheduleTime === "" ? {} : { scheduleTime: new Date(scheduleTime).toISOString() }),
  };
  const { path: address, body: sent } = requestOf(method, { path, query, body, isRaw, options });
  const withParameter = (name: string, value: string) =>
    `${address}${address.includes("?") ? "&" : "?"}${name}=${value}`;
  const isComplete =
    method.pathParameters.every((name) => path[name]?.trim()) && body !== undefined && (!isRaw || file);
  const fileOf = file && { contentType, name: file.name };

  const send = async (validateOnly: boolean) => {
    setBusy(true);
    setError(undefined);
    setValid(false);
    const parameter = validateOnly ? withParameter("validateOnly", "true") : withParameter("requestId", requestId);
    try {
      const operation = await call<Operation>(parameter, {
        method: method.httpMethod,
        ...(isRaw && file ? { file: { data: file, contentType } } : { body: sent }),
      });
      if (validateOnly) setValid(true);
      else {
        rememberStarted(operation.name);
        go({ page: "operation", name: operation.name });
      }
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  const violations: readonly Violation[] = error instanceof ApiError ? error.violations : [];
  const curl = curlLine({
    method: method.httpMethod,
    url: new URL(address, location.origin).href,
    body: isRaw ? undefined : sent,
    file: isRaw ? (fileOf ?? { contentType, name: "FILE" }) : undefined,
    credentials: savedCredentials(sessionStorage, localStorage)?.kind,
  });

  return (
    <div class="columns">
      <form
        class="card main-column"
        aria-label={method.id}
        onSubmit={(event) => {
          event.preventDefault();
          void send(false);
        }}
        onInput={changed}
      >
        <h2 class="mono">
          {method.httpMethod} {method.path}
        </h2>
        <p class="faint">{method.description}</p>
        {method.pathParameters.map((name) => (
          <TextField
            key={name}
            label={name}
            isRequired
            hint="part of the path"
            value={path[name] ?? ""}
            onChange={(value) => setPath({ ...path, [name]: value })}
          />
        ))}
        {isRaw ? (
          <RawBody
            types={method.rawTypes}
            contentType={contentType}
            onContentType={setContentType}
            onFile={(next) => {
              setFile(next);
              changed();
            }}
          />
        ) : method.bodySchema === undefined ? null : (
          <SchemaForm
            schema={method.bodySchema}
            value={body ?? {}}
            onChange={setBody}
            violations={violations}
            label="Request"
          />
        )}
        {isRaw
          ? method.query.map(({ name, required, description }) => (
              <TextField
                key={name}
                label={name}
                isRequired={required}
                hint={description}
                value={query[name] ?? ""}
                onChange={(value) => setQuery({ ...query, [name]: value })}
              />
            ))
          : null}
        <details>
          <summary>Options</summary>
          <TextField label="Labels" hint="for example env=prod, team=sales" value={labels} onChange={setLabels} />
          <div class="field">
            <label for="schedule">Begin at</label>
            <input
              id="schedule"
              type="datetime-local"
              value={scheduleTime}
              onInput={({ currentTarget }) => setScheduleTime(currentTarget.value)}
            />
            <p class="hint">The work begins then; at once where it is empty.</p>
          </div>
        </details>
        {error === undefined ? null : <ErrorNote error={error} title="It was not started." />}
        {isValid ? (
          <div class="note note-ok" role="status">
            The request is valid. Nothing was started.
          </div>
        ) : null}
        <div class="dialog-buttons">
          <button type="button" disabled={isBusy || !isComplete} onClick={() => void send(true)}>
            Only check it
          </button>
          <button type="submit" class="primary" disabled={isBusy || !isComplete}>
            Start
          </button>
        </div>
      </form>
      <aside class="side-column card" aria-labelledby="curl">
        <h2 id="curl">The same in a shell</h2>
        <div class="json">
          <div class="json-bar">
            <CopyButton text={curl} what="the curl line" />
          </div>
          <pre tabIndex={0} aria-label="curl" class="curl">
            {curl}
          </pre>
        </div>
      </aside>
    </div>
  );
}

interface TextFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  isRequired?: boolean;
}

function TextField({ label, value, onChange, hint = "", isRequired = false }: TextFieldProps) {
  const id = `start-${label}`;
  return (
    <div class="field">
      <label for={id}>
        {label}
        {isRequired ? <span class="required"> required</span> : null}
      </label>
      <input
        id={id}
        type="text"
        aria-required={isRequired}
        autocomplete="off"
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      {hint === "" ? null : <p class="hint">{hint}</p>}
    </div>
  );
}

interface RawBodyProps {
  types: readonly string[];
  contentType: string;
  onContentType: (type: string) => void;
  onFile: (file: File | undefined) => void;
}

/** A body that is no JSON: a file, sent as it is. */
function RawBody({ types, contentType, onContentType, onFile }: RawBodyProps) {
  return (
    <>
      <div class="field">
        <label for="start-file">
          File<span class="required"> required</span>
        </label>
        <input
          id="start-file"
          type="file"
          accept={types.join(",")}
          onChange={({ currentTarget }) => onFile(currentTarget.files?.[0])}
        />
      </div>
      {types.length < 2 ? null : (
        <div class="field">
          <label for="start-type">Type</label>
          <select
            id="start-type"
            value={contentType}
            onChange={({ currentTarget }) => onContentType(currentTarget.value)}
          >
            {types.map((type) => (
              <option key={type}>{type}</option>
            ))}
          </select>
        </div>
      )}
    </>
  );
}

/** The ids of the parent that was looked at last, where the path has the same collections. */
function pathDefaults({ path, pathParameters }: DeclaredMethod): Readonly<Record<string, string>> {
  const pattern = path.replace(/^\/v1(?:beta1)?\//, "").split("/");
  for (const parent of recentParents()) {
    const segments = parent.split("/");
    const found = pattern.flatMap((part, index) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      const isBelow = pattern[index - 1] === segments[index - 1];
      return name !== undefined && isBelow && segments[index] ? [[name, segments[index]] as const] : [];
    });
    if (found.length > 0) return Object.fromEntries(found.filter(([name]) => pathParameters.includes(name)));
  }
  return {};
}

interface Entered {
  path: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: Json | undefined;
  isRaw: boolean;
  options: JsonObject;
}

/** The path and the body to send. Options stand in the body, or in the query where the body is a file. */
function requestOf(method: DeclaredMethod, { path, query, body, isRaw, options }: Entered) {
  const address = method.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name]?.trim() ?? ""),
  );
  if (!isRaw) {
    const given = Object.keys(options).length === 0 ? {} : { operationOptions: options };
    return { path: address, body: { ...objectOf(body), ...given } };
  }
  const labelled = Object.entries(objectOf(options["labels"])).map(([key, value]) => [`labels.${key}`, textOf(value)]);
  const scheduled = [["scheduleTime", textOf(options["scheduleTime"])]];
  const optionsInQuery = [...labelled, ...scheduled].map(([key, value]) => [`operationOptions.${key}`, value ?? ""]);
  const given = [...Object.entries(query), ...optionsInQuery].filter(([, value]) => value !== "");
  return {
    path: given.length === 0 ? address : `${address}?${new URLSearchParams(given).toString()}`,
    body: undefined,
  };
}

function labelsFrom(text: string): JsonObject {
  const pairs = text
    .split(/[,\s]+/)
    .filter(Boolean)
    .map((pair) => pair.split("="))
    .map(([key = "", ...value]) => [key, value.join("=")] as const);
  return pairs.length === 0 ? {} : { labels: Object.fromEntries(pairs) };
}
