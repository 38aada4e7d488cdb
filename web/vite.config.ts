import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { mockApi } from "./dev/mock-api.ts";

/** Where a manager listens while the dashboard is developed against it. */
const manager = "http://127.0.0.1:8000";
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * CodeMirror's package for styles writes a <style> element, which the page's content security policy refuses. For shadow
 * roots it uses a style sheet object instead: with this it does so for the page too.
 */
function stylesWithoutElements(): Plugin {
  const condition = "!root.head && root.adoptedStyleSheets";
  return {
    name: "backlot-styles-without-elements",
    transform: {
      filter: { id: /[\\/]style-mod[\\/]/ },
      handler(code) {
        if (!code.includes(condition)) this.error("style-mod has changed: look how it mounts its rules now");
        return { code: code.replace(condition, "root.adoptedStyleSheets"), map: null };
      },
    },
  };
}

const styleElement = /[\w$.]+\.createElement\("style"\)/g;
const styleAttribute = /(\w+)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{(\w+)\};`\)/;
/** An element in the style element's place, whose text becomes a style sheet object. */
const styleStandIn = `function backlotStyle(){const n=document.createElement("template"),s=new CSSStyleSheet(),r=n.remove.bind(n);document.adoptedStyleSheets=[...document.adoptedStyleSheets,s];Object.defineProperty(n,"textContent",{set:t=>s.replaceSync(t)});n.remove=()=>{document.adoptedStyleSheets=document.adoptedStyleSheets.filter(o=>o!==s);r()};return n}`;

/** The same for the terminal, which writes its colours and sizes into <style> elements, and colours of cells into attributes. */
function terminalWithoutStyleElements(): Plugin {
  return {
    name: "backlot-terminal-without-style-elements",
    transform: {
      filter: { id: /[\\/]@xterm[\\/]xterm[\\/]lib[\\/]/ },
      handler(code) {
        if ((code.match(styleElement) ?? []).length < 3 || !styleAttribute.test(code)) this.error("xterm has changed: look how it writes its styles now");
        return { code: `${code.replaceAll(styleElement, "backlotStyle()").replace(styleAttribute, '$1.style.cssText+=$2+";"')}\n${styleStandIn}\n`, map: null };
      },
    },
  };
}

// `vite web --mode mock` answers /api itself, from memory; plain `vite web` hands it to a running manager.
export default defineConfig(({ mode }) => ({
  root: here("."),
  plugins: [react(), tailwindcss(), stylesWithoutElements(), terminalWithoutStyleElements(), ...(mode === "mock" ? [mockApi()] : [])],
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
            // What the editor is made of is loaded by its page alone, each language when a file of it is opened.
            {
              name: "shared",
              minShareCount: 2,
              test: (id) => !/@codemirror|@lezer|@xterm|style-mod|crelt|w3c-keyname|[\\/]web[\\/](app|parts)[\\/](editor|terminal)/.test(id),
            },
            {
              name: "code",
              test: /@codemirror[\\/](state|view|commands|search|autocomplete|language)[\\/]|@lezer[\\/](common|highlight|lr)|style-mod|crelt|w3c-keyname|@marijn/,
              priority: 2,
            },
          ],
        },
      },
    },
  },
}));
