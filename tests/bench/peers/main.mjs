#!/usr/bin/env node
// `npm run bench:peers`: trit beside the engines that one could use instead, in one run, on models of
// the same shapes. Progress goes to standard error, the report to standard output.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { prepareTrit } from '../prepare.mjs';
import { help, parseOptions, UsageError } from './options.mjs';
import { drawPicture } from './picture.mjs';
import { reportText } from './report.mjs';

const say = (text) => console.error(`[${(performance.now() / 1000).toFixed(0)} s] ${text}`);

function save(file, text) {
    mkdirSync(dirname(resolve(file)), { recursive: true });
    writeFileSync(file, text);
}

/** @returns {Promise<number>} the exit code */
async function main(args) {
    if (args.includes('--help')) {
        process.stdout.write(help);
        return 0;
    }
    try {
        const options = parseOptions(args);
        say('setting up the tools and building trit');
        prepareTrit();
        // It needs a package that the set-up may just have installed.
        const { compare } = await import('./compare.mjs');
        const results = await compare(options, say);
        console.log(reportText(results));
        save(options.json, `${JSON.stringify(results, null, 2)}\n`);
        save(options.svg, drawPicture(results));
        say(`the figures are in ${options.json}, the picture is ${options.svg}`);
        return results.failures.length > 0 ? 1 : 0;
    } catch (error) {
        const code = error instanceof UsageError ? 'USAGE' : 'FAILED';
        console.error(`bench:peers: ${code}: ${error.message.replace(/\s*\n\s*/g, ' ')}`);
        return code === 'USAGE' ? 2 : 1;
    }
}

// Leaving ends what still runs: browsers at this process's exit, engines when their channel closes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));
process.exit(await main(process.argv.slice(2)));
