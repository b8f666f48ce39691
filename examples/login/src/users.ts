// Stands for your own records of users. A real one has their passwords' hashes in a database, or asks an identity provider.
export interface User {
  id: string;
  email: string;
  groups: string[];
}

const USERS: Record<string, User & { password: string }> = {
  ada: { id: "17", email: "ada@example.com", groups: ["staff@example.com"], password: "lovelace" },
  bob: { id: "18", email: "bob@example.com", groups: [], password: "builder" },
};

/** The user of a name and password; undefined where one of them is wrong. */
export function userFrom(login: unknown): User | undefined {
  const { name, password } = (login ?? {}) as { name?: unknown; password?: unknown };
  const user = typeof name === "string" && Object.hasOwn(USERS, name) ? USERS[name] : undefined;
  return user && user.password === password ? { id: user.id, email: user.email, groups: user.groups } : undefined;
}
