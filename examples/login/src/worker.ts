// A Worker with a login of its own: a session cookie names the caller of every method.
import { operations } from "edge-operations";
import type { Env } from "./env";
import { exportData } from "./export-data";
import { callerFrom, cookieFrom, newSession, sessionFrom } from "./session";
import { userFrom } from "./users";

export * from "edge-operations/objects";

const service = operations({
  methods: [exportData],
  async authenticate(request, env: Env) {
    const session = await sessionFrom(request, env.SESSION_SECRET);
    return session && callerFrom(session);
  },
});

export default {
  ...service,
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname !== "/login" || request.method !== "POST") return service.fetch(request, env);
    const user = userFrom(await request.json());
    if (!user) return new Response("The name or the password is wrong.", { status: 403 });
    const cookie = await cookieFrom(newSession(user), env.SESSION_SECRET);
    return new Response(null, { status: 204, headers: { "Set-Cookie": cookie } });
  },
} satisfies ExportedHandler<Env>;
