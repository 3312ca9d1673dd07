#!/usr/bin/env node
// The chat page as one folder, for any static server:
//   node examples/chat/site.mjs [folder] [--allow-host example.org]     build/chat without a folder
import { createHash } from 'node:crypto';
import {
    cpSync,
    existsSync,
    mkdirSync,
    readFileSync,
    readdirSync,
    rmSync,
    writeFileSync,
} from 'node:fs';
import { extname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { headersFor, originOf } from './headers.mjs';
import { ensurePackages } from './packages.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');

/** The library as this page loads it: no Node, no types, no other faces of it. */
const isForPages = (name) => name.endsWith('.js') && !/^(cli\.|element|node|openai)/.test(name);

/** What the page imports of others, as one module each. */
const VENDOR = {
    'idb-keyval.js': 'idb-keyval/dist/index.js',
    'marked.js': 'marked/lib/marked.esm.js',
    'purify.js': 'dompurify/dist/purify.es.mjs',
};

/** Not every server knows all of them. */
export const TYPES = {
    '.css': 'text/css; charset=utf-8',
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.mjs': 'text/javascript; charset=utf-8',
    '.png': 'image/png',
    '.svg': 'image/svg+xml',
    '.trit': 'application/octet-stream',
    '.wasm': 'application/wasm',
    '.webmanifest': 'application/manifest+json',
};

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/**
 * @param {string} folder
 * @param {string} page
 */
function copyFiles(folder, page) {
    cpSync(page, folder, { recursive: true });
    mkdirSync(join(folder, 'trit/dist'), { recursive: true });
    for (const name of readdirSync(join(root, 'web')).filter(isForPages))
        cpSync(join(root, 'web', name), join(folder, 'trit', name));
    mkdirSync(join(folder, 'vendor'));
    for (const [name, file] of Object.entries(VENDOR))
        cpSync(join(here, 'node_modules', file), join(folder, 'vendor', name));
    for (const name of readdirSync(join(root, 'web/dist')).filter((name) => extname(name) in TYPES))
        cpSync(join(root, 'web/dist', name), join(folder, 'trit/dist', name));
    cpSync(join(root, 'models/tiny-stories/tiny-stories.trit'), join(folder, 'tiny-stories.trit'));
}

/**
 * The modules that are loaded before this one runs, itself included.
 * @param {string} folder
 * @param {string} name
 * @param {Set<string>} [found]
 */
function modulesOf(folder, name, found = new Set()) {
    if (found.has(name)) return found;
    found.add(name);
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, path] of text.matchAll(/^(?:import|export)\b[^;'"]*?['"](\.[^'"]+)['"];$/gm))
        modulesOf(folder, posix.join(posix.dirname(name), path), found);
    return found;
}

/**
 * The page with what no file says of itself: the policy, for hosts that send no headers, and all modules at once, which
 * browsers else find one after the other.
 * @param {string} folder
 * @param {string} policy
 */
function completePage(folder, policy) {
    const path = join(folder, 'index.html');
    const links = [...modulesOf(folder, 'main.js')].map(
        (name) => `<link rel="modulepreload" href="${name}" />`,
    );
    // in a page these words mean nothing, and browsers complain of them
    const inPage = policy.replace(/ frame-ancestors [^;]*;/, '');
    const meta = `<meta http-equiv="Content-Security-Policy" content="${inPage}" />`;
    const [first, last] = ['<meta charset="utf-8" />', '</head>'];
    const html = readFileSync(path, 'utf8')
        .replace(first, `${first}\n        ${meta}`)
        .replace(last, `    ${links.join('\n        ')}\n    ${last}`);
    writeFileSync(path, html);
}

/** @param {string} folder */
function listFiles(folder) {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const paths = entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name));
    const names = paths.map((path) => path.slice(folder.length + 1).replaceAll('\\', '/'));
    return names.sort().map((name) => {
        const bytes = readFileSync(join(folder, name));
        return { name, type: TYPES[extname(name)], sha256: sha256(bytes) };
    });
}

/**
 * @typedef {object} SiteOptions
 * @property {string} [folder] where it is made; what was there is deleted
 * @property {string[]} [allowed] hosts that models may come from, besides those of hosts.json
 * @property {string} [page] the folder with the page itself
 *
 * @param {SiteOptions} [options]
 * @returns {string} where it is
 */
export function makeSite({
    folder = join(root, 'build/chat'),
    allowed = [],
    page = join(here, 'page'),
} = {}) {
    rmSync(folder, { recursive: true, force: true });
    copyFiles(folder, page);
    const headers = headersFor(allowed);
    completePage(folder, headers['Content-Security-Policy']);
    const shell = { headers, files: listFiles(folder) };
    const version = sha256(JSON.stringify(shell)).slice(0, 16);
    const line = `const SHELL = ${JSON.stringify({ version, ...shell }, null, 1)};\n`;
    const worker = readFileSync(join(here, 'service-worker.js'), 'utf8');
    writeFileSync(join(folder, 'service-worker.js'), line + worker);
    return folder;
}

/**
 * Of a folder that somebody has named, only what this has made may be deleted.
 * @param {string} folder
 */
function checkOwn(folder) {
    if (!existsSync(folder) || readdirSync(folder).length === 0) return;
    const worker = join(folder, 'service-worker.js');
    if (existsSync(worker) && readFileSync(worker, 'utf8').startsWith('const SHELL = ')) return;
    throw new Error(`${folder} holds something else, which would be deleted: name another folder`);
}

/** @returns {string} where the site is */
function main() {
    const { values, positionals } = parseArgs({
        options: { 'allow-host': { type: 'string', multiple: true, default: [] } },
        allowPositionals: true,
    });
    const allowed = values['allow-host'].map(originOf);
    if (positionals.length > 1) throw new Error(`"${positionals[1]}" is a second folder: name one`);
    const folder = positionals[0] && resolve(positionals[0]);
    if (folder) checkOwn(folder);
    if (!existsSync(join(root, 'web/dist')))
        throw new Error('the engine is not built: run `npm run build` first');
    ensurePackages();
    return makeSite({ folder, allowed });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
    try {
        console.log(main());
    } catch ({ message }) {
        console.error(`trit site: ${message.split(/\. |\n/)[0]}`);
        process.exitCode = 1;
    }
