// Conditions are an option of operations(). Unit tests judge policies without a deployment, so they ask for the language here.
import { conditions } from "../../src/conditions";

conditions();
