// Who may do what with an operation: the policy on it. What stands on its ancestors holds as well.
import { useEffect, useState } from "preact/hooks";
import { ApiError, call, pathOf } from "../api/call";
import { type JsonObject, textOf } from "../api/json";
import { ErrorNote } from "../parts/error-note";

interface IamPolicy {
  bindings?: readonly { role: string; members?: readonly string[]; condition?: JsonObject }[];
}

export function Policy({ name }: { name: string }) {
  const [isOpen, setOpen] = useState(false);
  const [policy, setPolicy] = useState<IamPolicy>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    if (!isOpen) return;
    const query = { "options.requestedPolicyVersion": 3 };
    call<IamPolicy>(pathOf(`${name}:getIamPolicy`, query)).then(setPolicy, setError);
  }, [name, isOpen]);
  return (
    <section class="card" aria-labelledby="policy">
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <h2 id="policy">Policy</h2>
        </summary>
        {policy === undefined ? null : <Bindings policy={policy} />}
        {error instanceof ApiError && error.code === "PERMISSION_DENIED" ? (
          <p class="faint">You may not read the policy (longrunning.operations.getIamPolicy).</p>
        ) : error === undefined ? null : (
          <ErrorNote error={error} />
        )}
      </details>
    </section>
  );
}

function Bindings({ policy: { bindings = [] } }: { policy: IamPolicy }) {
  if (bindings.length === 0) {
    return <p class="faint">It has none of its own: the policies of its ancestors hold, and its starter's rights.</p>;
  }
  return (
    <dl class="facts">
      {bindings.map(({ role, members = [], condition }) => (
        <div key={`${role} ${JSON.stringify(condition)}`} class="stacked">
          <dt>{role}</dt>
          <dd class="break">
            {members.join(", ")}
            {condition === undefined ? null : <p class="faint mono">if {textOf(condition["expression"])}</p>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
