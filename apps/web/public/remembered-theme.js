// Applies the remembered theme before the first paint. A file of its own, because the content security policy allows no inline script.
try {
  const theme = localStorage.getItem('vitrine-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is closed to the page: the system's theme stays.
}
