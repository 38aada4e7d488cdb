import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { PageError } from "../parts/page-error.tsx";
import { FirstLoading, PageLoading } from "../parts/page-loading.tsx";
import { hasCode } from "./api.ts";
import { sessionQuery } from "./data-session.ts";
import { queryClient } from "./query-client.ts";
import { textParam } from "./search-params.ts";

const rootRoute = createRootRoute({
  component: Outlet,
  errorComponent: PageError,
  notFoundComponent: lazyRouteComponent(() => import("../pages/not-found.tsx"), "NotFoundPage"),
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sign-in",
  validateSearch: (search) => textParam(search, "next"),
  component: lazyRouteComponent(() => import("../pages/sign-in.tsx"), "SignInPage"),
});
const setUpRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/setup/$secret",
  component: lazyRouteComponent(() => import("../pages/set-up.tsx"), "SetUpPage"),
});

/** Everything behind the sign-in. */
const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "app",
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(sessionQuery);
    } catch (error) {
      if (!hasCode(error, "not_signed_in")) throw error;
      throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { next: location.href } });
    }
  },
  pendingComponent: FirstLoading,
  component: lazyRouteComponent(() => import("../pages/shell.tsx"), "Shell"),
});

const sitesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/",
  validateSearch: (search): { q?: string; all?: boolean } => ({ ...textParam(search, "q"), ...(search.all === true ? { all: true } : {}) }),
  component: lazyRouteComponent(() => import("../pages/sites.tsx"), "SitesPage"),
});
const createSiteRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/new",
  component: lazyRouteComponent(() => import("../pages/create-site.tsx"), "CreateSitePage"),
});
const accountRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/account",
  component: lazyRouteComponent(() => import("../pages/account.tsx"), "AccountPage"),
});
const usersRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/users",
  component: lazyRouteComponent(() => import("../pages/users.tsx"), "UsersPage"),
});
const nodesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/nodes",
  component: lazyRouteComponent(() => import("../pages/nodes.tsx"), "NodesPage"),
});
const imagesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/images",
  component: lazyRouteComponent(() => import("../pages/images.tsx"), "ImagesPage"),
});
const auditRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/audit",
  component: lazyRouteComponent(() => import("../pages/audit.tsx"), "AuditPage"),
});

const tasksRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/tasks",
  validateSearch: (search): { q?: string; view?: string } => ({ ...textParam(search, "q"), ...textParam(search, "view") }),
  component: lazyRouteComponent(() => import("../pages/tasks/tasks.tsx"), "TasksPage"),
});
const runTaskRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/tasks/run",
  component: lazyRouteComponent(() => import("../pages/tasks/run-task.tsx"), "RunTaskPage"),
});
const taskChartsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/tasks/charts",
  component: lazyRouteComponent(() => import("../pages/tasks/charts.tsx"), "TaskChartsPage"),
});
const schedulesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/schedules",
  validateSearch: (search) => textParam(search, "site"),
  component: lazyRouteComponent(() => import("../pages/schedules/schedules.tsx"), "SchedulesPage"),
});
const newScheduleRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/schedules/new",
  validateSearch: (search) => textParam(search, "site"),
  component: lazyRouteComponent(() => import("../pages/schedules/edit-schedule.tsx"), "NewSchedulePage"),
});
const editScheduleRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/schedules/$id",
  component: lazyRouteComponent(() => import("../pages/schedules/edit-schedule.tsx"), "EditSchedulePage"),
});
const taskRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/tasks/$uid",
  component: lazyRouteComponent(() => import("../pages/tasks/task.tsx"), "TaskPage"),
});

const siteRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/sites/$name",
  component: lazyRouteComponent(() => import("../pages/site/site-layout.tsx"), "SiteLayout"),
});
const overviewRoute = createRoute({
  getParentRoute: () => siteRoute,
  path: "/",
  component: lazyRouteComponent(() => import("../pages/site/overview.tsx"), "OverviewPage"),
});
/** The tree, the tabs and what is typed stay while one goes from file to folder. */
const editorRoute = createRoute({
  getParentRoute: () => siteRoute,
  id: "editor",
  component: lazyRouteComponent(() => import("../pages/site/files.tsx"), "FilesPage"),
});
const filesRoute = createRoute({ getParentRoute: () => editorRoute, path: "/files/$" });
const editRoute = createRoute({ getParentRoute: () => editorRoute, path: "/edit/$" });
const logsRoute = createRoute({
  getParentRoute: () => siteRoute,
  path: "/logs",
  component: lazyRouteComponent(() => import("../pages/site/logs.tsx"), "LogsPage"),
});
const terminalRoute = createRoute({
  getParentRoute: () => siteRoute,
  path: "/terminal",
  component: lazyRouteComponent(() => import("../pages/site/terminal.tsx"), "TerminalPage"),
});
const siteTasksRoute = createRoute({
  getParentRoute: () => siteRoute,
  path: "/tasks",
  component: lazyRouteComponent(() => import("../pages/site/tasks.tsx"), "SiteTasksPage"),
});
const membersRoute = createRoute({
  getParentRoute: () => siteRoute,
  path: "/members",
  component: lazyRouteComponent(() => import("../pages/site/members.tsx"), "MembersPage"),
});
const settingsRoute = createRoute({
  getParentRoute: () => siteRoute,
  path: "/settings",
  component: lazyRouteComponent(() => import("../pages/site/settings.tsx"), "SettingsPage"),
});

const routeTree = rootRoute.addChildren([
  signInRoute,
  setUpRoute,
  appRoute.addChildren([
    sitesRoute,
    createSiteRoute,
    accountRoute,
    usersRoute,
    nodesRoute,
    imagesRoute,
    auditRoute,
    tasksRoute,
    runTaskRoute,
    taskChartsRoute,
    taskRoute,
    schedulesRoute,
    newScheduleRoute,
    editScheduleRoute,
    siteRoute.addChildren([
      overviewRoute,
      editorRoute.addChildren([filesRoute, editRoute]),
      logsRoute,
      terminalRoute,
      siteTasksRoute,
      membersRoute,
      settingsRoute,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  defaultPendingComponent: PageLoading,
  defaultErrorComponent: PageError,
  defaultPendingMs: 300,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
