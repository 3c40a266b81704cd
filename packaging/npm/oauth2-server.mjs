// A real OAuth 2.0 authorization server (npm @node-oauth/oauth2-server) for the end-to-end tests: no OpenID Connect, no
// metadata, no device flow and no revocation, as many servers are that are used by their endpoints.
//
// It prints one JSON line when it listens, ends when its stdin closes, and keeps everything in memory. The controls
// below /_test/ are those of authserver.Server.

import { createServer } from 'node:http';
import OAuth2Server from '@node-oauth/oauth2-server';

const { Request, Response } = OAuth2Server;
const secret = 'stagedoor-e2e-secret-value-for-tests-only';
const clients = { 'stagedoor-e2e': undefined, 'stagedoor-e2e-secret': secret };

const codes = new Map();
const tokens = new Map(); // by access token; one without an access token has only the right to refresh
let ttl = 3600;
let rotates = true;
let offered = ''; // the scopes that the user agrees to; all if empty
let refreshes = 0;
let shown = ''; // how the client was, in the last token request

const find = (refresh) => [...tokens.values()].find((t) => t.refreshToken === refresh);

const model = {
  // The library asks with null where there is nothing to prove yet.
  getClient: (id, shown) => id in clients && (shown === null || shown === clients[id])
    && { id, grants: ['authorization_code', 'refresh_token'], redirectUris: ['http://127.0.0.1/callback'] },
  validateRedirectUri: (uri) => /^http:\/\/127\.0\.0\.1:\d+\/callback/.test(uri),
  validateScope: (user, client, scope = []) => (offered ? scope.filter((s) => offered.split(' ').includes(s)) : scope),
  saveAuthorizationCode: (code, client, user) => {
    codes.set(code.authorizationCode, { ...code, client, user });
    return code;
  },
  getAuthorizationCode: (code) => codes.get(code),
  revokeAuthorizationCode: (code) => codes.delete(code.authorizationCode),
  saveToken: (token, client, user) => {
    const saved = { ...token, client, user };
    tokens.set(token.accessToken, saved);
    return saved;
  },
  getAccessToken: (token) => tokens.get(token),
  getRefreshToken: find,
  revokeToken: (token) => delete find(token.refreshToken)?.refreshToken,
};
const server = new OAuth2Server({ model, requireClientAuthentication: { refresh_token: false } });

const pages = {
  // With a page of its own, since the library has none.
  'GET /authorize': (req, res) => res.writeHead(200, { 'content-type': 'text/html' })
    .end('<form method="post"><input name="login"><input name="password" type="password"><button name="allowed" value="true">Allow</button><button name="allowed" value="false">Deny</button></form>'),
  'POST /authorize': (req, res) => server.authorize(req, res, { authenticateHandler: { handle: () => ({ id: req.body.login }) } }),
  'POST /token': (req, res) => {
    refreshes += req.body.grant_type === 'refresh_token';
    shown = req.headers.authorization ? 'client_secret_basic' : req.body.client_secret ? 'client_secret_post' : 'none';
    return server.token(req, res, { accessTokenLifetime: ttl, alwaysIssueNewRefreshToken: rotates });
  },
  'GET /me': async (req, res) => {
    const { user } = await server.authenticate(req, res);
    res.body = { id: user.id, username: user.id, name: user.id.replace(/^./, (c) => c.toUpperCase()) };
  },
};

const controls = {
  ttl: (q) => { ttl = Number(q.get('seconds')); },
  rotation: (q) => { rotates = q.get('on') === 'true'; },
  offer: (q) => { offered = q.get('scope'); },
  revoke: () => tokens.clear(),
  held: () => ({ logins: [...tokens.values()].filter((t) => t.refreshToken).length, refreshes, shown }),
};

const http = createServer(async (incoming, outgoing) => {
  const url = new URL(incoming.url, 'http://127.0.0.1');
  const body = Buffer.concat(await Array.fromAsync(incoming)).toString();
  const control = controls[url.pathname.replace('/_test/', '')];
  if (control) {
    outgoing.end(JSON.stringify(control(url.searchParams) ?? {}));
    return;
  }
  const page = pages[`${incoming.method} ${url.pathname}`];
  if (url.pathname === '/authorize' && incoming.method === 'GET') {
    page(incoming, outgoing);
    return;
  }
  const req = new Request({
    method: incoming.method, headers: incoming.headers,
    query: Object.fromEntries(url.searchParams), body: Object.fromEntries(new URLSearchParams(body)),
  });
  const res = new Response();
  try {
    await (page ?? (() => { res.status = 404; }))(req, res);
  } catch (err) { // the library has put it into the answer, but for the resource
    res.status = err.code >= 400 && res.status === 200 ? err.code : res.status;
  }
  outgoing.writeHead(res.status, { 'content-type': 'application/json', ...res.headers });
  outgoing.end(JSON.stringify(res.body ?? {}));
});

http.listen(0, '127.0.0.1', () => {
  const at = `http://127.0.0.1:${http.address().port}`;
  process.stdout.write(`${JSON.stringify({
    control: at, endpoints: { authorization_endpoint: `${at}/authorize`, token_endpoint: `${at}/token`, userinfo_endpoint: `${at}/me` },
  })}\n`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.stdin.on('error', () => process.exit(0));
