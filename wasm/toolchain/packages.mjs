// Which Debian packages stand in for which missing tool. The suite stands still, so everybody builds
// with the same compiler; a release records the versions from .toolchain/stamp.json.
export const SUITE = 'trixie';
export const LLVM = 19;

// Raise this when a change here or in relocate.mjs must reach folders that are already set up.
export const RECIPE = 1;

// What the closure of dependencies brings along although the tools above never run it.
export const EXCEPT =
    /^(nodejs|libnode\d+|node-(undici|corepack)|ccache|libfmt\d+|dpkg|debconf|tar|tzdata|perl.*|procps|lib(proc2|c-dev).*|binutils.*|libbinutils|libgprofng0|libctf.*|gcc.*|cpp.*|lib(gcc|stdc\+\+|objc)-\d+-dev|libc6-dev|libc-dev-bin|linux-libc-dev|lib([alt]|hwa|ub)san\d+|libgomp1|libquadmath0|libitm1|rpcsvc-proto|media-types|netbase)$/;

// Emscripten's package prebuilds every library in every variant, 1.6 GB; these are never linked here.
const lib = '*/wasm32-emscripten/';
export const EXCLUDE = [
    ...['lto', 'lto-pic', 'pic'].map((variant) => `${lib}${variant}`),
    ...['libGL-*emu*', 'libwebgpu*', '*asan*', '*-ww*', '*-tracing.a', 'libwasmfs*'].map(
        (n) => lib + n,
    ),
    './usr/share/emscripten/test',
    './usr/share/emscripten/docs',
    './usr/share/doc',
    './usr/share/man',
    './usr/share/locale',
];
