import { config } from "zod";

// Zod would compile its schemas with `new Function`, which the content security policy refuses. It decides as soon as
// a schema is made, so this module comes before every other.
config({ jitless: true });
