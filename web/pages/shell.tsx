import { Link, Outlet, useLocation, useRouter } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { useIsAdministrator } from "../app/data-session.ts";
import { useLiveSites } from "../app/live-sites.ts";
import { AccountMenu } from "../parts/account-menu.tsx";
import { AwayBanner } from "../parts/away-banner.tsx";
import { buttonClass } from "../parts/button.tsx";
import { Corner } from "../parts/corner.tsx";
import { Logo } from "../parts/logo.tsx";
import { SessionEndedDialog } from "../parts/session-ended-dialog.tsx";

/** What stands round every page behind the sign-in. */
export function Shell(): ReactNode {
  useLiveSites();
  useFocusOnPages();
  return (
    <>
      <a href="#main" className="-top-20 fixed left-3 z-50 rounded-lg bg-accent px-4 py-3 font-medium text-on-accent focus:top-3">
        Skip to the content
      </a>
      <AwayBanner />
      <Header />
      <main
        id="main"
        tabIndex={-1} // The editor takes the whole width and what is left of the height.
        className="mx-auto w-full max-w-6xl px-4 pt-6 pb-48 focus:outline-none has-data-workbench:flex has-data-workbench:h-[calc(100dvh-4rem-1px)] has-data-workbench:min-h-96 has-data-workbench:max-w-none has-data-workbench:flex-col has-data-workbench:pt-2 has-data-workbench:pb-0 sm:px-6 sm:pt-8"
      >
        <Outlet />
      </main>
      <Corner />
      <SessionEndedDialog />
    </>
  );
}

/** Where the page that was left took the focus with it, the new one gets it: Tab then leads into the page, and what reads aloud begins there. */
function useFocusOnPages(): void {
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe("onRendered", ({ fromLocation, toLocation }) => {
        if (fromLocation === undefined || fromLocation.pathname === toLocation.pathname) return;
        if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
      }),
    [router],
  );
}

const navClass =
  "inline-flex min-h-11 items-center rounded-lg px-3 text-[0.9375rem] font-medium text-soft hover:bg-sunken hover:text-ink sm:min-h-10 [&[aria-current]]:bg-sunken [&[aria-current]]:text-ink";

function Header(): ReactNode {
  const isAdministrator = useIsAdministrator();
  // Schedules belong to this part too, though their addresses are not below it.
  const isSchedules = useLocation({ select: ({ pathname }) => pathname.startsWith("/schedules") });
  // So do the sites themselves, which have a present page of their own among their tabs.
  const isSite = useLocation({ select: ({ pathname }) => pathname.startsWith("/sites/") });
  return (
    <header className="border-line border-b bg-surface">
      <div className="page-bar mx-auto flex h-16 w-full max-w-6xl items-center gap-2 px-4 sm:gap-4 sm:px-6">
        <Link to="/" className="flex min-h-11 items-center rounded-lg" aria-label="Backlot, to the list of sites">
          <Logo />
        </Link>
        <nav aria-label="Main" className="ml-4 hidden items-center gap-1 md:flex">
          <Link to="/" activeOptions={{ exact: true, includeSearch: false }} className={navClass} {...(isSite ? { "aria-current": "true" as const } : {})}>
            Sites
          </Link>
          <Link to="/tasks" activeOptions={{ includeSearch: false }} className={navClass} {...(isSchedules ? { "aria-current": "page" as const } : {})}>
            Tasks
          </Link>
          {isAdministrator && (
            <>
              <Link to="/users" className={navClass}>
                Users
              </Link>
              <Link to="/nodes" className={navClass}>
                Nodes
              </Link>
              <Link to="/images" className={navClass}>
                Images
              </Link>
              <Link to="/audit" className={navClass}>
                Audit
              </Link>
            </>
          )}
        </nav>
        <div className="ml-auto flex items-center gap-1.5 sm:gap-3">
          <Link to="/new" className={buttonClass("primary", "px-3 sm:px-4")}>
            <Plus aria-hidden="true" />
            New site
          </Link>
          <AccountMenu />
        </div>
      </div>
    </header>
  );
}
