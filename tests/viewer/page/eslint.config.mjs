// What only a browser would show: a name that hides another, one that is never used, one that is not there.
const browser = ['document', 'window', 'location', 'history', 'sessionStorage', 'localStorage', 'fetch', 'Headers', 'URL', 'URLSearchParams',
  'TextDecoderStream', 'AbortController', 'Event', 'EventTarget', 'IntersectionObserver', 'ResizeObserver', 'Image', 'ImageData', 'DOMMatrix', 'Path2D', 'CSS',
  'performance', 'devicePixelRatio', 'matchMedia', 'requestAnimationFrame', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'getComputedStyle', 'createImageBitmap'];

export default [{
  files: ['**/*.js'],
  languageOptions: { ecmaVersion: 2023, sourceType: 'module', globals: Object.fromEntries(browser.map((name) => [name, 'readonly'])) },
  rules: { 'no-shadow': ['error', { builtinGlobals: true }], 'no-undef': 'error', 'no-unused-vars': 'error', eqeqeq: 'error', 'prefer-const': 'error', 'no-var': 'error' },
}];
