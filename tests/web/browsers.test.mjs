// What the tests do to pages as a person would: each driver does the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { browserMissing } from '../../wasm/toolchain/browsers.mjs';
import { openBrowser } from './browsers.mjs';
import { temporaryFolder } from './helpers.mjs';
import { startServer } from './server.mjs';

const PAGE = `<!doctype html><title>field</title>
<style>body { margin: 0; background: #123456 }</style>
<textarea id="text">ab</textarea><button id="last">last</button>
<div style="height: 5000px"></div><button id="below">below</button>`;

/** Width and height of a PNG. */
const sizeOf = (png) => [png.readUInt32BE(16), png.readUInt32BE(20)];

for (const name of ['chromium', 'firefox', 'webkit']) {
    const skip = browserMissing(name) ?? false;
    test(`${name} does what a person does`, { skip }, async (t) => {
        const server = await startServer({ files: { '/page.html': PAGE } });
        t.after(() => server.close());
        const browser = await openBrowser(name);
        t.after(() => browser.close());
        const page = await browser.open(`${server.url}/page.html`);
        await page.evaluate(() => {
            window.said = [];
            document.addEventListener('keydown', ({ key, shiftKey, isTrusted }) =>
                window.said.push([key, shiftKey, isTrusted].join(' ')),
            );
            document.addEventListener('click', ({ target, isTrusted }) =>
                window.said.push(`${target.id} ${isTrusted}`),
            );
        });
        const said = () => page.evaluate(() => window.said.splice(0));

        await page.type('#text', 'cD\n');
        assert.equal(await page.evaluate(() => document.activeElement.value), 'abcD\n');
        const typed = await said();
        assert.ok(typed.includes('c false true') && typed.includes('Enter false true'), `${typed}`);

        await page.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'last');
        await page.press('Shift+Tab');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'text');
        assert.equal((await said())[0], 'Tab false true');

        await page.click('#below');
        assert.deepEqual(await said(), ['below true']);

        const path = join(temporaryFolder(t), 'seen.png');
        for (const [width, height] of [
            [1000, 700],
            [name === 'webkit' ? 460 : 360, 640],
        ]) {
            await page.viewport(width, height);
            assert.deepEqual(await page.evaluate(() => [innerWidth, innerHeight]), [width, height]);
            await page.screenshot(path);
            assert.deepEqual(sizeOf(readFileSync(path)), [width, height]);
        }
        await page.close();
    });

    test(`${name} gives a page up that does not load`, { skip }, async (t) => {
        let asked = 0;
        const server = createServer((request, response) => {
            if (request.url === '/late.html' && asked++ === 0) return; // no answer
            response
                .setHeader('content-type', 'text/html')
                .end('<!doctype html><p id="text">there');
        });
        await new Promise((resolve) => server.listen(0, resolve));
        t.after(() => server.close().closeAllConnections());
        const browser = await openBrowser(name, { loadMs: 10_000 });
        t.after(() => browser.close());
        const url = `http://localhost:${server.address().port}/late.html`;
        if (name !== 'webkit') await assert.rejects(browser.open(url), /timeout/i);
        const page = await browser.open(url);
        assert.equal(
            await page.evaluate(() => document.querySelector('#text').textContent),
            'there',
        );
        assert.equal(asked, 2);
        await page.close();
    });
}
