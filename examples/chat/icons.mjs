#!/usr/bin/env node
// Makes page/icon-*.png of page/icon.svg, in Chromium; run it when the drawing has changed. The maskable one fills its
// square, as systems cut it to shapes of their own.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import { browserProgram } from '../../wasm/toolchain/browsers.mjs';

const svg = readFileSync(new URL('page/icon.svg', import.meta.url), 'utf8');
const [, ground] = svg.match(/<rect [^>]*fill="(#\w+)"/);

const ICONS = [
    { name: 'icon-192.png', size: 192, background: 'transparent' },
    { name: 'icon-maskable-512.png', size: 512, background: ground },
];

const browser = await puppeteer.launch({
    executablePath: browserProgram('chromium'),
    args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage();
for (const { name, size, background } of ICONS) {
    await page.setViewport({ width: size, height: size });
    const style = `body { margin: 0; background: ${background} } svg { display: block }`;
    await page.setContent(`<style>${style}</style>${svg}`);
    const path = fileURLToPath(new URL(`page/${name}`, import.meta.url));
    await page.screenshot({ path, omitBackground: true });
}
await browser.close();
