// The folder that is the chat page: what its service worker knows of it, and what no file of it does (X06).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
    appendFileSync,
    cpSync,
    mkdirSync,
    readFileSync,
    readdirSync,
    writeFileSync,
} from 'node:fs';
import { extname, join } from 'node:path';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { chatSite, copyPage, serveWithHeaders } from './chat.mjs';
import { root, temporaryFolder } from './helpers.mjs';

const filesOf = (folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
        .sort();

function shellOf(folder) {
    const [, json] = readFileSync(join(folder, 'service-worker.js'), 'utf8').match(
        /^const SHELL = (\{[^]*?\n\});\n/,
    );
    return JSON.parse(json);
}

test('the service worker knows every file but itself, by its hash and type', (t) => {
    const folder = chatSite(t);
    const { files } = shellOf(folder);
    assert.deepEqual(
        files.map(({ name }) => name),
        filesOf(folder).filter((name) => name !== 'service-worker.js'),
    );
    for (const { name, type, sha256 } of files) {
        const hash = createHash('sha256').update(readFileSync(join(folder, name)));
        assert.equal(sha256, hash.digest('hex'), name);
        assert.match(type, /^\w+\/[\w+-]+/, name);
    }
});

test('the version is another one exactly when a file or a header is', (t) => {
    const page = copyPage(t);
    const version = (options) => shellOf(chatSite(t, { page, ...options })).version;
    const first = version();
    assert.equal(version(), first);
    assert.notEqual(version({ allowed: ['models.example'] }), first);
    appendFileSync(join(page, 'style.css'), '\n');
    assert.notEqual(version(), first);
});

test('the page loads its modules at once: each is named in it', (t) => {
    const folder = chatSite(t);
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    const named = [...html.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, name]) => name);
    const imports = (name) => [
        ...readFileSync(join(folder, name), 'utf8').matchAll(
            /^(?:import|export)[^;]*?'(\.[^']+)';/gm,
        ),
    ];
    for (const name of named)
        for (const [, path] of imports(name)) {
            const wanted = join(name, '..', path);
            assert.ok(named.includes(wanted), `${name} imports ${wanted}`);
        }
    assert.ok(named.includes('main.js') && named.includes('trit/index.js'));
});

test('the icons that the manifest names are there, in their sizes', (t) => {
    const folder = chatSite(t);
    const manifest = readFileSync(join(folder, 'manifest.webmanifest'), 'utf8');
    const { icons } = JSON.parse(manifest);
    assert.ok(icons.some(({ purpose }) => purpose === 'maskable'));
    for (const { src, sizes, type } of icons) {
        const bytes = readFileSync(join(folder, src));
        if (type !== 'image/png') continue;
        assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src);
    }
});

const skip = browserMissing('chromium') ?? false;
test('Chromium finds nothing that keeps the page from being installed', { skip }, async (t) => {
    const { url } = await serveWithHeaders(t);
    const browser = await openBrowser('chromium');
    t.after(() => browser.close());
    const page = await browser.open(url);
    const { errors } = await page.devtools('Page.getAppManifest', {});
    assert.deepEqual(errors, []);
    const { installabilityErrors } = await page.devtools('Page.getInstallabilityErrors', {});
    // the tests' profiles are forgotten, as those of private windows
    const ids = installabilityErrors.map(({ errorId }) => errorId);
    assert.deepEqual(
        ids.filter((id) => id !== 'in-incognito'),
        [],
    );
});

const FORBIDDEN = [
    /\beval\(/,
    /\bFunction\(/,
    /document\.write/,
    /javascript:/,
    /\bset(Timeout|Interval)\(\s*['"`]/,
];
/** What would read markup; DOMPurify is there to do that, with nothing that runs or is fetched. */
const MARKUP =
    /(inner|outer)HTML|insertAdjacentHTML|createContextualFragment|HTMLUnsafe|DOMParser|srcdoc/;
const PURIFIER = 'vendor/purify.js';
test('X06 no file makes code of text, nor markup', (t) => {
    const folder = chatSite(t);
    const scripts = filesOf(folder).filter((name) => ['.js', '.mjs'].includes(extname(name)));
    assert.ok(scripts.length > 50);
    for (const name of scripts) {
        const text = readFileSync(join(folder, name), 'utf8');
        for (const pattern of FORBIDDEN) assert.doesNotMatch(text, pattern, name);
        if (name !== PURIFIER) assert.doesNotMatch(text, MARKUP, name);
    }
    const tag = readdirSync(join(root, 'web')).filter((name) => extname(name) === '.js');
    for (const name of tag) {
        const text = readFileSync(join(root, 'web', name), 'utf8');
        for (const pattern of [...FORBIDDEN, MARKUP]) assert.doesNotMatch(text, pattern, name);
    }
});

test('X06 the page has no script, style or handler in itself', (t) => {
    const html = readFileSync(join(chatSite(t), 'index.html'), 'utf8');
    assert.doesNotMatch(html, /\son\w+\s*=/i);
    assert.doesNotMatch(html, /<style|\sstyle\s*=/i);
    for (const [tag] of html.matchAll(/<script[^>]*>[^]*?<\/script>/g))
        assert.match(tag, /^<script[^>]* src="[^"]+"[^>]*><\/script>$/);
});

/** The command, of this repository or of another folder. */
function make(args, { from = root, env = process.env } = {}) {
    const command = [join(from, 'examples/chat/site.mjs'), ...args];
    return spawnSync(process.execPath, command, { encoding: 'utf8', env });
}

test('the command makes the site in a folder, and what is wrong is said in a sentence', (t) => {
    const own = temporaryFolder(t);
    for (const time of ['in an empty one', 'again'])
        assert.equal(make([own]).stdout, `${own}\n`, time);
    const other = temporaryFolder(t);
    writeFileSync(join(other, 'kept'), '');
    const wrong = [
        [[other], `${other} holds something else`],
        [[own, other], `"${other}" is a second folder`],
        [[own, '--allow-host', 'a b'], '"a b" is no host'],
        [['--nothing'], "Unknown option '--nothing'\n"],
    ];
    for (const [args, sentence] of wrong) {
        const { status, stderr } = make(args);
        assert.ok(stderr.startsWith(`trit site: ${sentence}`), stderr);
        assert.match(stderr, /^.*\n$/);
        assert.equal(status, 1);
    }
    assert.deepEqual(readdirSync(other), ['kept']);
    assert.ok(shellOf(own), 'what was made stays');
});

test('in a clean clone the command asks for the engine, and gets the packages itself', (t) => {
    const from = temporaryFolder(t);
    const filter = (path) => !path.includes('node_modules');
    cpSync(join(root, 'examples/chat'), join(from, 'examples/chat'), { recursive: true, filter });
    assert.match(make([], { from }).stderr, /^trit site: .* run `npm run build` first\n$/);
    mkdirSync(join(from, 'web/dist'), { recursive: true });
    const env = { ...process.env, PATH: join(from, 'nothing') }; // nor is npm there
    assert.match(make([], { from, env }).stderr, /^trit site: the packages .* cannot be installed/);
});
