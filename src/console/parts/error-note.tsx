// An error of a call, with each field that it names.
import { ApiError, messageOf } from "../api/call";

export function ErrorNote({ error, title }: { error: unknown; title?: string }) {
  const violations = error instanceof ApiError ? error.violations : [];
  const reason = error instanceof ApiError ? [error.code, error.reason].filter(Boolean).join(" · ") : "";
  const message = messageOf(error);
  return (
    <div class="note note-bad" role="alert">
      {title === undefined ? null : <strong>{title}</strong>}
      <p class="selectable">{message}</p>
      {violations.some(({ description }) => !message.includes(description)) ? (
        <ul>
          {violations.map(({ field, description }) => (
            <li key={`${field} ${description}`}>
              <code>{field}</code> {description}
            </li>
          ))}
        </ul>
      ) : null}
      {reason === "" ? null : <p class="faint small-text">{reason}</p>}
    </div>
  );
}
