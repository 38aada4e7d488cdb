import { describe, expect, it } from "vitest";
import { z } from "zod";
import { serviceConfigs } from "#service-configs.ts";
import { childCommand, type Wiring } from "./child-commands.ts";

const wiring: Wiring = {
  data: "/data",
  host: "0.0.0.0",
  managerPort: 8000,
  routerPort: 8080,
  orchestratorPort: 20_001,
  routerAdminPort: 20_002,
  routerAdminUrl: "http://127.0.0.1:20002",
  ftpHost: "0.0.0.0",
  ftpPort: 2121,
  sshHost: "127.0.0.1",
  sshPort: 2222,
  managerUrl: "http://127.0.0.1:8000",
  publicUrl: "https://lot.example.org",
  sitesDomain: "sites.example.org",
  keyFiles: {
    cluster: "/keys/cluster.json",
    orchestrator: "/keys/orchestrator.json",
    router: "/keys/router.json",
    ftp: "/keys/ftp.json",
    shell: "/keys/shell.json",
  },
  siteSocketFolder: "/data/site-postgres/run",
};
const schema = (...names: readonly string[]) => z.object(Object.fromEntries(names.map((name) => [name, z.string()])));

describe("the command of a child", () => {
  it("carries the services as arguments and no setting among them", () => {
    const { args } = childCommand("control", wiring, { entry: "/backlot.mjs", schemas: [], environment: {}, databaseUrl: "postgres://secret" });
    expect(args).toEqual(["--max-semi-space-size=4", "/backlot.mjs", "run", "manager,worker,ftp,shell", "--supervised"]);
  });

  it("passes on exactly the settings that the child's schemas name, and what any program needs", () => {
    const environment = { PATH: "/bin", TZ: "Europe/Berlin", MINE: "1", OTHERS: "2", EMPTY: "", TOKEN_FILE: "/token", OTHERS_FILE: "/x", HTTP_PROXY: "x" };
    const command = childCommand("router", wiring, { entry: "e", schemas: [schema("MINE", "EMPTY"), schema("TOKEN")], environment });
    expect(command.environment).toEqual({ PATH: "/bin", TZ: "Europe/Berlin", MINE: "1", TOKEN_FILE: "/token" });
  });

  it("wires a child to the others, whatever the environment says", () => {
    const schemas = [schema("BACKLOT_ROUTER_PORT", "BACKLOT_MANAGER_URL", "BACKLOT_COMPONENT_KEY_FILE", "BACKLOT_PUBLIC_URL")];
    const environment = { BACKLOT_ROUTER_PORT: "0", BACKLOT_ROUTER_PORT_FILE: "/port", BACKLOT_MANAGER_URL: "http://elsewhere" };
    expect(childCommand("router", wiring, { entry: "e", schemas, environment }).environment).toEqual({
      BACKLOT_ROUTER_PORT: "8080",
      BACKLOT_MANAGER_URL: "http://127.0.0.1:8000",
      BACKLOT_COMPONENT_KEY_FILE: "/keys/router.json",
      BACKLOT_PUBLIC_URL: "https://lot.example.org",
    });
  });

  it("knows orchestrators and routers of other machines beside its own", () => {
    const schemas = [schema("BACKLOT_ORCHESTRATOR_URLS", "BACKLOT_ROUTER_URLS")];
    const wired = (environment: Record<string, string>) => childCommand("control", wiring, { entry: "e", schemas, environment }).environment;
    expect(wired({})).toEqual({ BACKLOT_ROUTER_URLS: "http://127.0.0.1:20002" });
    expect(wired({ BACKLOT_ORCHESTRATOR_URLS: "http://10.0.0.2:1", BACKLOT_ROUTER_URLS: "http://10.0.0.2:2,http://10.0.0.3:2" })).toEqual({
      BACKLOT_ORCHESTRATOR_URLS: "http://127.0.0.1:20001,http://10.0.0.2:1",
      BACKLOT_ROUTER_URLS: "http://127.0.0.1:20002,http://10.0.0.2:2,http://10.0.0.3:2",
    });
  });

  it("of the real router and orchestrator has no way to the database, the cluster key or the administrator", async () => {
    const secrets = { DATABASE_URL: "x", DATABASE_URL_FILE: "x", BACKLOT_CLUSTER_KEY_FILE: "x", BACKLOT_ADMIN_PASSWORD: "x", BACKLOT_ADMIN_PASSWORD_FILE: "x" };
    for (const name of ["router", "orchestrator"] as const) {
      const command = childCommand(name, wiring, { entry: "e", schemas: [await serviceConfigs[name]()], environment: secrets });
      expect(Object.keys(command.environment).filter((key) => key in secrets)).toEqual([]);
      expect(command.environment).toMatchObject({ BACKLOT_DATA: "/data", BACKLOT_COMPONENT_KEY_FILE: wiring.keyFiles[name] });
    }
  });
});
