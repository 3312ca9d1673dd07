#!/usr/bin/env node
// `npm start`: sets everything up, builds, and serves the chat page.
//   npm start -- [--port 8080] [--allow-host example.org]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { originOf } from './headers.mjs';
import { ensurePackages } from './packages.mjs';

function readOptions() {
    const { values } = parseArgs({
        options: {
            port: { type: 'string', default: '8080' },
            'allow-host': { type: 'string', multiple: true, default: [] },
        },
    });
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port > 65535)
        throw new Error(`--port ${values.port}: write a number from 0, any that is free, to 65535`);
    return { port, allowed: values['allow-host'].map(originOf) };
}

async function start() {
    const { port, allowed } = readOptions();
    const build = fileURLToPath(new URL('../../wasm/toolchain/build.mjs', import.meta.url));
    if (spawnSync(process.execPath, [build], { stdio: 'inherit' }).status !== 0) process.exit(1);
    ensurePackages();
    // only now are its packages there
    const { serveChat } = await import('./serve.mjs');
    try {
        const { url } = await serveChat({ port, allowed });
        console.log(`The chat page is at ${url} (Ctrl-C ends it)`);
    } catch (error) {
        if (error.code !== 'EADDRINUSE') throw error;
        throw new Error(`port ${port} is in use: choose another one with npm start -- --port`);
    }
}

await start().catch(({ message }) => {
    console.error(`trit start: ${message}`);
    process.exit(1);
});
