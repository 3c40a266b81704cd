// A real OAuth authorization server (npm oidc-provider) for the end-to-end tests and the demo.
//
// It listens on a free loopback port, prints one JSON line on stdout when it is ready, and ends when its
// stdin closes, so that no killed test run can leave one behind. Everything it knows is in memory.
// There is no authentication on /_test/: the server is bound to 127.0.0.1 and guards no real account.
//
//   node oidc-server.mjs [--port N] [--ttl SECONDS]      (or OIDC_PORT, OIDC_TTL)

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

// stdout carries the ready line alone; the library's development notices belong on stderr.
console.info = console.error;
console.warn = console.error;
console.log = console.error;

const { Provider } = await import('oidc-provider');
const { createMemoryAdapter } = await import('oidc-provider/lib/adapters/memory_adapter.js');

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: process.env.OIDC_PORT || '0' },
    ttl: { type: 'string', default: process.env.OIDC_TTL || '3600' },
  },
});

// Lifetime of new access tokens, in seconds; /_test/ttl changes it while running.
let accessTokenTTL = Number(flags.ttl);

// Whether a refresh brings a new refresh token; /_test/rotation changes it while running.
let rotates = true;

// Whether a refresh ends the access token before; /_test/replacing changes it while running.
let replaces = false;
const latest = new Map(); // access tokens, by grant
const held = new Map(); // refresh tokens that are good, by their ids
let shown = ''; // how the client was, in the last token request

// What the endpoints answered, per endpoint (and per grant type at the token endpoint): {"ok": n, "<error>": n}.
// history has each token request about a refresh token and each revocation, in the order of the answers.
const newStats = () => ({ token: {}, revocation: {}, introspection: {}, userinfo: {}, device_authorization: {}, registration: {}, history: [] });
let stats = newStats();

// Answers of the token endpoint that a test has asked to go wrong.
let failure = { count: 0, mode: '' };

const clientDefaults = {
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
};

const configuration = {
  adapter: createMemoryAdapter(), // one, also when the provider is made anew
  clients: [
    { ...clientDefaults, client_id: 'stagedoor-e2e', client_name: 'Stagedoor (public)', token_endpoint_auth_method: 'none' },
    {
      ...clientDefaults,
      client_id: 'stagedoor-e2e-secret',
      client_name: 'Stagedoor (confidential)',
      client_secret: 'stagedoor-e2e-secret-value-for-tests-only',
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
  clientDefaults: { application_type: 'native', token_endpoint_auth_method: 'none' },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  scopes: ['openid', 'offline_access', 'profile', 'email'],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
  },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: id.replace(/@.*$/, '').replace(/^./, (c) => c.toUpperCase()),
      preferred_username: id,
      email: id.includes('@') ? id : `${id}@example.test`,
      email_verified: true,
    }),
  }),
  clockTolerance: 0, // a token is dead when it is over, and not 15 seconds later
  pkce: { required: () => true },
  rotateRefreshToken: () => rotates,
  ttl: {
    AccessToken: () => accessTokenTTL,
    AuthorizationCode: 60,
    DeviceCode: 600,
    Grant: 14 * 86400,
    IdToken: 3600,
    Interaction: 3600,
    RefreshToken: 14 * 86400,
    Session: 14 * 86400,
  },
};

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(4).toString('hex') };
}

function count(bucket, key) {
  bucket[key] = (bucket[key] || 0) + 1;
}

// fingerprint tells refresh tokens apart.
const fingerprint = (token) => (token ? createHash('sha256').update(token).digest('hex').slice(0, 12) : undefined);

// processOf finds which process of this machine has the other end of a loopback connection, by the
// connection's inode in /proc (proc(5)). It returns 0 where it has ended already, or there is no /proc.
function processOf(socket) {
  try {
    const port = (n) => `:${n.toString(16).toUpperCase().padStart(4, '0')}`;
    const row = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((l) => l.trim().split(/\s+/))
      .find(([, local, remote]) => local?.endsWith(port(socket.remotePort)) && remote.endsWith(port(socket.localPort)));
    const link = `socket:[${row[9]}]`;
    return Number(readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && holds(pid, link)) || 0);
  } catch {
    return 0;
  }
}

function holds(pid, link) {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => target(`/proc/${pid}/fd/${fd}`) === link);
  } catch { // it has ended, or is another user's
    return false;
  }
}

function target(path) {
  try {
    return readlinkSync(path);
  } catch { // closed meanwhile
    return '';
  }
}

// remember adds a call to the history. delivered turns true when the whole answer
// was handed to the operating system.
function remember(ctx, what, pid, outcome) {
  const call = {
    what, pid, outcome, at: new Date().toISOString(), delivered: false,
    token: fingerprint(ctx.oidc.body.refresh_token || ctx.oidc.body.token), issued: fingerprint(ctx.body?.refresh_token),
  };
  ctx.res.once('finish', () => { call.delivered = true; });
  stats.history.push(call);
}

// observe counts the outcome of each call, and makes the token endpoint fail when a test asked for it.
async function observe(ctx, next) {
  const isToken = ctx.method === 'POST' && ctx.path === '/token';
  const mode = isToken && failure.count > 0 ? failure.mode : '';
  if (mode) {
    failure.count -= 1;
  }
  if (mode && mode !== 'drop') {
    ctx.status = Number(mode);
    ctx.body = { error: ctx.status >= 500 ? 'server_error' : 'invalid_request', error_description: 'asked for by a test' };
    count((stats.token.forced ??= {}), mode);
    return;
  }

  const pid = isToken ? processOf(ctx.req.socket) : 0; // before the answer: it may end with it

  await next();

  const outcome = ctx.status < 400 ? 'ok' : ctx.body?.error || String(ctx.status);
  const route = ctx.oidc?.route;
  if (isToken) {
    const grant = ctx.oidc?.body?.grant_type || 'unknown';
    shown = ctx.headers.authorization ? 'client_secret_basic' : ctx.oidc?.body?.client_secret ? 'client_secret_post' : 'none';
    count((stats.token[grant] ??= {}), outcome);
    if (grant === 'refresh_token' || ctx.body?.refresh_token) {
      remember(ctx, grant, pid, outcome);
    }
  } else if (route && stats[route] && ctx.method !== 'OPTIONS') {
    count(stats[route], outcome);
    if (route === 'revocation') {
      remember(ctx, route, pid, outcome);
    }
  }
  if (mode === 'drop') {
    // The request was fulfilled (tokens are rotated) but the answer is lost on its way.
    count((stats.token.forced ??= {}), mode);
    ctx.req.socket.destroy();
    ctx.respond = false;
  }
}

// control answers the /_test/ routes.
function control(url, res) {
  const number = (name, fallback) => Number(url.searchParams.get(name) ?? fallback);
  switch (url.pathname) {
    case '/_test/stats':
      return json(res, stats);
    case '/_test/reset':
      stats = newStats();
      return json(res, stats);
    case '/_test/ttl': // ?seconds=N: lifetime of access tokens issued from now on
      if (!(number('seconds', NaN) > 0)) {
        return json(res, { error: 'seconds must be a positive number' }, 400);
      }
      accessTokenTTL = number('seconds');
      return json(res, { seconds: accessTokenTTL });
    case '/_test/rotation': // ?on=true|false: whether the next refreshes bring new refresh tokens
      rotates = url.searchParams.get('on') === 'true';
      return json(res, { rotates });
    case '/_test/replacing': // ?on=true|false: whether the next refreshes end the access token before
      replaces = url.searchParams.get('on') === 'true';
      return json(res, { replaces });
    case '/_test/end': // the access tokens there are end now, and nothing else of the logins does
      latest.forEach((token) => token.destroy());
      return json(res, { ended: latest.size });
    case '/_test/revoke': // every login ends
      [...latest.values(), ...held.values()].forEach((token) => token.destroy());
      return json(res, {});
    case '/_test/held':
      return json(res, { logins: held.size, refreshes: stats.history.filter((call) => call.what === 'refresh_token').length, shown });
    case '/_test/keys': // ID tokens are signed with another key, and the one before is gone
      answer = serve();
      return json(res, {});
    case '/_test/fail': { // ?count=N&mode=503|400|…|drop: what the next N token requests get
      const mode = url.searchParams.get('mode') || '503';
      if (mode !== 'drop' && !(Number(mode) >= 400 && Number(mode) <= 599)) {
        return json(res, { error: 'mode must be "drop" or an HTTP status from 400 to 599' }, 400);
      }
      failure = { count: number('count', 1), mode };
      return json(res, failure);
    }
    default:
      return json(res, { error: 'no such control' }, 404);
  }
}

function json(res, value, status = 200) {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(value));
}

// The issuer contains the port, so the socket is bound first and the provider made for it.
let issuer;
let answer;
const server = createServer((req, res) => {
  const url = new URL(req.url, 'http://127.0.0.1');
  return url.pathname.startsWith('/_test/') ? control(url, res) : answer(req, res);
});

// serve makes the provider, with a key of its own. What it knows is the process's.
function serve() {
  const provider = new Provider(issuer, { ...configuration, jwks: { keys: [signingKey()] } });
  provider.use(observe);
  provider.on('server_error', (ctx, err) => console.error('server error:', err));
  provider.on('access_token.saved', (token) => {
    const before = latest.get(token.grantId);
    latest.set(token.grantId, token);
    if (replaces && before) {
      before.destroy();
    }
  });
  provider.on('refresh_token.saved', (token) => held.set(token.jti, token));
  provider.on('refresh_token.consumed', (token) => held.delete(token.jti));
  provider.on('refresh_token.destroyed', (token) => held.delete(token.jti));
  provider.on('grant.revoked', (ctx, grantId) => held.forEach((token, id) => token.grantId === grantId && held.delete(id)));
  return provider.callback();
}

server.listen(Number(flags.port), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  answer = serve();
  process.stdout.write(`${JSON.stringify({ issuer, pid: process.pid })}\n`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.stdin.on('error', () => process.exit(0));
