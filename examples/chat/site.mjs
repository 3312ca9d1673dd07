#!/usr/bin/env node
// The chat page as one folder, for any static server: `node examples/chat/site.mjs [folder]`, build/chat without one.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');

/** The library as browsers load it: no Node, no types. */
const isForPages = (name) => name.endsWith('.js') && !/^(node|cli\.)/.test(name);

/** What the page imports of others, as one module each. */
const VENDOR = {
    'idb-keyval.js': 'idb-keyval/dist/index.js',
    'marked.js': 'marked/lib/marked.esm.js',
    'purify.js': 'dompurify/dist/purify.es.mjs',
};

/**
 * @param {string} [folder]
 * @returns {string} where it is
 */
export function makeSite(folder = join(root, 'build/chat')) {
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(here, 'page'), folder, { recursive: true });
    for (const name of ['headers.json', 'hosts.json']) cpSync(join(here, name), join(folder, name));
    mkdirSync(join(folder, 'trit'));
    for (const name of readdirSync(join(root, 'web')).filter(isForPages))
        cpSync(join(root, 'web', name), join(folder, 'trit', name));
    cpSync(join(root, 'web/dist'), join(folder, 'trit/dist'), { recursive: true });
    mkdirSync(join(folder, 'vendor'));
    for (const [name, file] of Object.entries(VENDOR))
        cpSync(join(here, 'node_modules', file), join(folder, 'vendor', name));
    cpSync(join(root, 'models/tiny-stories/tiny-stories.trit'), join(folder, 'tiny-stories.trit'));
    return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
    console.log(makeSite(process.argv[2] && resolve(process.argv[2])));
