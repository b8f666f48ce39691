// The status message of an operation while no deployment has its method in its version.
const PREFIX = "Waiting for a deployment that has the method ";

export function undeployedMessage({ method, methodVersion }: { method: string; methodVersion: string }): string {
  return `${PREFIX}${method}, version ${methodVersion}.`;
}

/** Whether a consumer gave the work back for want of its method. */
export function waitsForDeployment({ statusMessage }: { statusMessage: string }): boolean {
  return statusMessage.startsWith(PREFIX);
}
