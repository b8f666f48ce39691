// The entry of the console: a client of the public API, with the caller's own rights and nothing more.
import { render } from "preact";
import { App } from "./app";
import "./console.css";
import { applyTheme } from "./theme";

applyTheme();
const root = document.querySelector("#console");
if (root) render(<App />, root);
