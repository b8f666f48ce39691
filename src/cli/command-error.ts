// An error of a command, whose message is for people.
export class CommandError extends Error {}
