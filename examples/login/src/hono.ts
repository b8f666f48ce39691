// The same behind hono: a middleware finds the caller, and the service asks for what it found.
import { type AuthenticatedCaller, operations } from "edge-operations";
import { Hono } from "hono";
import { getSignedCookie, setSignedCookie } from "hono/cookie";
import type { Env } from "./env";
import { exportData } from "./export-data";
import { SESSION_MS, type Session, callerFrom, newSession } from "./session";
import { userFrom } from "./users";

export * from "edge-operations/objects";

/** By the request object that the middleware saw, which is the one that the service is given. */
const callers = new WeakMap<Request, AuthenticatedCaller>();

const service = operations({
  methods: [exportData],
  authenticate: (request) => callers.get(request),
});

const app = new Hono<{ Bindings: Env }>();

app.post("/login", async (c) => {
  const user = userFrom(await c.req.json());
  if (!user) return c.text("The name or the password is wrong.", 403);
  await setSignedCookie(c, "session", JSON.stringify(newSession(user)), c.env.SESSION_SECRET, {
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
    maxAge: SESSION_MS / 1_000,
  });
  return c.body(null, 204);
});

app.use("/v1/*", async (c, next) => {
  const session = await getSignedCookie(c, c.env.SESSION_SECRET, "session");
  if (session === false) return c.text("The session cookie is not one of this Worker's.", 401);
  if (session) callers.set(c.req.raw, callerFrom(JSON.parse(session) as Session));
  return next();
});

app.all("*", (c) => service.fetch(c.req.raw, c.env));

export default { fetch: app.fetch, queue: service.queue, scheduled: service.scheduled };
