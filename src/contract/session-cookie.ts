/** The dashboard's session cookie; the router never forwards it to a site. */
export const sessionCookieName = "backlot_session";
/** The same under TLS, where the prefix keeps every other host from setting it. */
export const secureSessionCookieName = "__Host-backlot_session";
/** By this cookie a browser is known to have signed in before; the router never forwards it either. */
export const deviceCookieName = "backlot_device";
/** The same under TLS. */
export const secureDeviceCookieName = "__Host-backlot_device";
