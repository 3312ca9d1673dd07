// X03: every answer of `npm start` carries the policy, and how hosts get into it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { headersFor, originOf } from '../../examples/chat/headers.mjs';
import { chatSite, serveWithHeaders } from './chat.mjs';
import { temporaryFolder } from './helpers.mjs';

const names = (folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));

/** What is wrong with the headers of an answer. */
const lacking = ({ headers }) =>
    Object.entries(headersFor())
        .filter(([name, value]) => headers.get(name) !== value)
        .map(([name]) => name);

test('X03 every file, scripts and workers included, is served with all headers', async (t) => {
    const all = names(chatSite(t));
    assert.ok(all.includes('trit/worker.js') && all.includes('trit/dist/trit-mt-relaxed.wasm'));
    const { url } = await serveWithHeaders(t);
    for (const name of all) {
        const response = await fetch(url + name);
        assert.equal(response.status, 200, name);
        assert.deepEqual(lacking(response), [], name);
        assert.ok(response.headers.get('content-type') !== '', name);
    }
});

test('X03 so are answers of other kinds', async (t) => {
    const { url } = await serveWithHeaders(t);
    const etag = (await fetch(url)).headers.get('etag');
    const asked = [
        [200, '', {}],
        [200, '', { method: 'HEAD' }],
        [206, 'tiny-stories.trit', { headers: { range: 'bytes=0-9' } }],
        [304, '', { headers: { 'if-none-match': etag } }],
        [404, 'nothing', {}],
        [404, '%E0%A4%A', {}],
        [404, '../package.json', {}],
        [416, 'tiny-stories.trit', { headers: { range: 'bytes=999999999-' } }],
    ];
    for (const [status, path, options] of asked) {
        const response = await fetch(url + path, options);
        assert.equal(response.status, status, path);
        assert.deepEqual(lacking(response), [], `${status} ${path}`);
    }
});

test('a range that is no plain one is passed over, and the server goes on', async (t) => {
    const { url } = await serveWithHeaders(t);
    const whole = Number((await fetch(url)).headers.get('content-length'));
    const odd = ['bytes=5-2', 'bytes=0-0', 'bytes=-5', 'bytes=1-2,4-5', 'lines=1-2', 'x'];
    const huge = ['bytes=0-9007199254740992', `bytes=${'9'.repeat(400)}-`];
    for (const range of [...odd, ...huge]) {
        const response = await fetch(url, { headers: { range } });
        const { byteLength } = await response.arrayBuffer();
        assert.deepEqual([response.status, byteLength], [200, whole], range);
    }
});

test('a file that has gone ends its answer, and the server goes on', async (t) => {
    const folder = temporaryFolder(t);
    const { url } = await serveWithHeaders(t, { folder });
    rmSync(join(folder, 'main.js'));
    await assert.rejects(fetch(`${url}main.js`), TypeError);
    assert.equal((await fetch(url)).status, 200);
});

test(
    'a reader who leaves keeps no file open',
    { skip: !existsSync('/proc/self/fd') },
    async (t) => {
        const { url } = await serveWithHeaders(t);
        const nameOf = (fd) => {
            try {
                return readlinkSync(`/proc/self/fd/${fd}`);
            } catch {
                return ''; // that of the listing itself
            }
        };
        const open = () =>
            readdirSync('/proc/self/fd').filter((fd) => nameOf(fd).endsWith('.trit')).length;
        for (let i = 0; i < 5; i++) {
            const response = await fetch(`${url}tiny-stories.trit`);
            await response.body.cancel();
        }
        for (let tries = 0; open() > 0 && tries < 100; tries++) await delay(50);
        assert.equal(open(), 0);
    },
);

test('the page may ask its own server and the hosts of hosts.json, and runs no script but its files', () => {
    const policy = headersFor(['models.example'])['Content-Security-Policy'];
    const rules = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule]));
    const hosts = JSON.parse(
        readFileSync(new URL('../../examples/chat/hosts.json', import.meta.url), 'utf8'),
    );
    assert.equal(
        rules.get('connect-src'),
        `connect-src 'self' ${hosts.join(' ')} https://models.example`,
    );
    assert.equal(rules.get('script-src'), "script-src 'self' 'wasm-unsafe-eval'");
    assert.equal(rules.get('default-src'), "default-src 'none'");
    assert.doesNotMatch(policy, /'unsafe-|data:|blob:|\s\*\s|\{/);
    assert.equal(rules.get('require-trusted-types-for'), "require-trusted-types-for 'script'");
});

test('a host is named by its name or origin, and by nothing that could begin another rule', () => {
    const good = {
        'example.org': 'https://example.org',
        'Example.org:8443': 'https://example.org:8443',
        'http://localhost:9000': 'http://localhost:9000',
        'https://*.example.org': 'https://*.example.org',
    };
    for (const [text, origin] of Object.entries(good)) assert.equal(originOf(text), origin);
    const bad = [
        ...['', '*', 'https://*', 'https://a.b/path', 'ftp://a.b', 'javascript:alert(1)'],
        ...["https://a.b; script-src 'unsafe-eval'", 'https://a;b', 'a b', "'self'", 'data:'],
        ...['https://user@a.b', 'https://a.b:123456', 'https://a.b\nx'],
    ];
    for (const text of bad)
        assert.throws(
            () => originOf(text),
            { message: /^"[^]*" is no host .* write its name/ },
            text,
        );
});
