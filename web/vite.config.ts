import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { mockApi } from "./dev/mock-api.ts";

/** Where a manager listens while the dashboard is developed against it. */
const manager = "http://127.0.0.1:8000";
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// `vite web --mode mock` answers /api itself, from memory; plain `vite web` hands it to a running manager.
export default defineConfig(({ mode }) => ({
  root: here("."),
  plugins: [react(), tailwindcss(), ...(mode === "mock" ? [mockApi()] : [])],
  resolve: {
    alias: {
      // Radix locks scrolling by writing a <style> element, which the page's content security policy refuses.
      "react-remove-scroll": here("./parts/lock-scroll.tsx"),
    },
  },
  server: { ...(mode === "mock" ? {} : { proxy: { "/api": { target: manager, headers: { origin: manager } } } }) },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    // Nothing inlined: pictures and fonts stay files, so that the policy needs no `data:`.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 500,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What every page needs, what several pages share, and then a file for each page; not a file for every icon.
          groups: [
            { name: "base", tags: ["$initial"], priority: 1 },
            { name: "shared", minShareCount: 2 },
          ],
        },
      },
    },
  },
}));
