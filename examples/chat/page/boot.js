// Runs before all else. What stands here bars ways out that a policy leaves open; who could run a script of his own in
// the page would find others.

// Calls of others and new windows: this page makes none.
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'open']) delete window[name];

// To another site only a person goes, by a link.
window.navigation?.addEventListener('navigate', (event) => {
    const { origin } = new URL(event.destination.url);
    if (origin !== location.origin && !event.userInitiated) event.preventDefault();
});

// Of addresses that are strings, only these become scripts.
const scripts = ['service-worker.js', 'trit/worker.js', 'trit/template-worker.js'].map(
    (name) => new URL(name, document.baseURI).href,
);
window.trustedTypes?.createPolicy('default', {
    createScriptURL: (text) => {
        const { href } = new URL(text, document.baseURI);
        return scripts.includes(href) ? href : null;
    },
});
