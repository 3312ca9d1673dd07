#!/usr/bin/env node
// `npm run bench:start`: how long a person waits who has just cloned this repository: until `npm start` says where the
// page is, and until the page there has begun and ended its first answer. Nothing is there that was made before: the clone
// is new, and npm has an empty cache.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repoDir } from '../../wasm/toolchain/paths.mjs';
import { readTexts, runMain } from './options.mjs';
import { prepareTrit } from './prepare.mjs';
import { figure, machine, markdown } from './report.mjs';

const help = `usage: npm run bench:start -- [options]

  --host chromium            or firefox, webkit
`;
const PROMPT = 'Once upon a time there was a fox';

/** Resolves to the address that it prints. */
function started(child) {
    let text = '';
    return new Promise((resolve, reject) => {
        child.stdout.on('data', (data) => {
            text += data;
            const [, url] = text.match(/(http:\/\/localhost:\d+\/)/) ?? [];
            if (url) resolve(url);
        });
        child.on('close', () => reject(new Error(`npm start ended:\n${text}`)));
    });
}

async function measure(host, folder) {
    const clone = join(folder, 'trit');
    const { status } = spawnSync('git', ['clone', '--quiet', repoDir, clone], { stdio: 'inherit' });
    if (status !== 0) throw new Error('it cannot be cloned');
    const [{ openBrowser }, { chatPage }] = await Promise.all([
        import('../web/browsers.mjs'),
        import('../web/chat-page.mjs'),
    ]);
    const begin = performance.now();
    const since = () => (performance.now() - begin) / 1000;
    const child = spawn('npm', ['start', '--', '--port', '0'], {
        cwd: clone,
        env: { ...process.env, npm_config_cache: join(folder, 'npm') },
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true, // npm does not end what it has started, its group does
    });
    const browser = await openBrowser(host);
    try {
        const url = await started(child);
        const addressS = since();
        const page = chatPage(await browser.open(url));
        await page.type('#text', PROMPT);
        await page.press('Enter'); // also before the model is there
        await page.until('the first word', () =>
            document.querySelector('#messages > .assistant .plain')?.textContent.trim(),
        );
        const wordS = since();
        await page.ready();
        return [addressS, wordS, since()];
    } finally {
        await browser.close();
        if (child.exitCode === null) process.kill(-child.pid, 'SIGTERM');
    }
}

async function main(args) {
    const { host, help: isHelp } = readTexts(args, ['host'], { host: 'chromium' });
    if (isHelp) return process.stdout.write(help);
    prepareTrit();
    const folder = mkdtempSync(join(tmpdir(), 'trit-start-'));
    try {
        const times = await measure(host, folder);
        const head = ['browser', 'address s', 'first word s', 'whole answer s'];
        const { cpu, cores, load } = machine();
        const rows = [head, [host, ...times.map(figure)]];
        console.log(`${cpu}, ${cores} cores; load ${load}\n\n${markdown(rows)}`);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

await runMain('bench:start', main);
