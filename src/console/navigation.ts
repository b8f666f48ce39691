// Goes to another of the console's addresses.
import { type Route, hashFromRoute } from "./route";

export function go(route: Route): void {
  location.hash = hashFromRoute(route);
}
