// A web server in plain Node: there is nothing to install.
// Change something, then press Restart in the dashboard.
const http = require("node:http");

let visits = 0;

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://site");

  if (url.pathname === "/") {
    visits += 1;
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(page("Your Node server is running.", `<p>It has greeted ${visits === 1 ? "one visitor" : `${visits} visitors`} since it started.</p>
      <p>Edit <code>server.js</code> and restart to change this page, or ask it <a href="/time">what time it is</a>.</p>`));
    return;
  }

  if (url.pathname === "/time") {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ time: new Date().toISOString() }));
    return;
  }

  response.statusCode = 404;
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.end(page("There is nothing here.", '<p><a href="/">Back to the start</a></p>'));
});

function page(title, content) {
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <style>
    body { max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem; font: 1.125rem/1.6 system-ui, sans-serif; color-scheme: light dark; }
    h1 { font-size: clamp(2rem, 7vw, 3rem); line-height: 1.1; }
  </style>
  <h1>${title}</h1>
  ${content}
</html>`;
}

// Backlot says where to listen. What you print appears under Logs.
server.listen(process.env.PORT, process.env.HOST, () => {
  console.log(`Listening on ${process.env.HOST}:${process.env.PORT}`);
});

// Asked to stop: finish what is under way, then end.
process.on("SIGTERM", () => server.close(() => process.exit(0)));
