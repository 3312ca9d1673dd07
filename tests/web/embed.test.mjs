// The pages of examples/embed, served as their own server does, without any header.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { root } from './helpers.mjs';

let server;
let url;
before(async () => {
    server = spawn(process.execPath, [join(root, 'examples/embed/serve.mjs'), '0']);
    const [line] = await once(server.stdout.setEncoding('utf8'), 'data');
    url = line.match(/http:\S+index\.html/)[0];
});
after(() => server.kill());

test('the server gives nothing from outside the repository, and nothing hidden', async () => {
    const { origin } = new URL(url);
    const outside = ['%2e%2e%2f%2e%2e%2fetc/passwd', '..%2f..%2fetc%2fpasswd', '%', 'web'];
    for (const path of [...outside, '.gitignore', 'web/..%2f.gitignore'])
        assert.equal((await fetch(`${origin}/${path}`)).status, 404, path);
});

test('a port that is taken, or none, is told in a line', async () => {
    for (const [port, sentence] of [
        [new URL(url).port, /^[^\n]*in use[^\n]*\n$/],
        ['abc', /^abc is no port: [^\n]*\n$/],
        ['65536', /^65536 is no port: [^\n]*\n$/],
    ]) {
        const second = spawn(process.execPath, [join(root, 'examples/embed/serve.mjs'), port]);
        const closed = once(second, 'close');
        const [said] = await once(second.stderr.setEncoding('utf8'), 'data');
        assert.match(said, sentence);
        assert.equal((await closed)[0], 1);
    }
});

const openFiles = '/proc/self/fd';
test('a client that leaves leaves no file open', { skip: !existsSync(openFiles) }, async (t) => {
    const folder = mkdtempSync(join(root, 'build', 'embed-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'large'); // more than sockets take ahead
    writeFileSync(path, new Uint8Array(64 << 20));
    const isOpen = () => {
        const opened = openFiles.replace('self', server.pid);
        return readdirSync(opened).some((fd) => {
            const link = join(opened, fd);
            return existsSync(link) && readlinkSync(link) === path;
        });
    };
    const response = await fetch(new URL(path.slice(root.length - 1), url));
    assert.ok(isOpen());
    await response.body.cancel();
    for (let tries = 0; isOpen(); tries++) {
        assert.ok(tries < 100, 'it stays open');
        await wait(50);
    }
});

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(name, { skip }, async (t) => {
        const browser = await openBrowser(name);
        t.after(() => browser.close());

        await t.test('the page with the tag tells a story', async () => {
            const page = await browser.open(url);
            const told = await page.evaluate(async () => {
                const tag = document.querySelector('trit-chat');
                const ready = new Promise((resolve) => tag.addEventListener('ready', resolve));
                tag.shadowRoot.querySelector('.load').click();
                await ready;
                const { text } = await tag.send('Once upon a time', { maxTokens: 20 });
                return [text, tag.shadowRoot.querySelector('.log').textContent];
            });
            assert.ok(told[0].length > 20);
            assert.equal(told[1], `Once upon a time${told[0]}`);
            assert.deepEqual(await page.troubles(), []);
        });

        await t.test('the form goes on with what is written', async () => {
            const page = await browser.open(new URL('form.html', url).href);
            const begun = await page.evaluate(() => document.querySelector('#story').value);
            await page.click('#go-on');
            const written = await page.evaluate(async () => {
                const button = document.querySelector('#go-on');
                while (button.disabled) await new Promise((resolve) => setTimeout(resolve, 20));
                return document.querySelector('#story').value;
            });
            assert.ok(written.startsWith(begun) && written.length > begun.length + 40, written);
            assert.deepEqual(await page.troubles(), []);
        });
    });
}
