#!/bin/sh
# Filled in by electron-builder: ${executable}, ${sanitizedProductName}.
set -e
home='/opt/${sanitizedProductName}'

ln -sf "$home/${executable}" '/usr/bin/${executable}'
ln -sf "$home/postcast" /usr/bin/postcast

# Chromium's sandbox uses user namespaces; where the kernel does not grant them it needs the set-uid helper.
if [ -L /proc/self/ns/user ] && unshare --user true 2>/dev/null; then
  chmod 0755 "$home/chrome-sandbox"
else
  chmod 4755 "$home/chrome-sandbox"
fi

# Ubuntu 24.04 and later grant user namespaces only to programs with a profile; older parsers do not know this one.
profile="$home/resources/apparmor-profile"
if [ -f "$profile" ] && command -v apparmor_parser >/dev/null 2>&1 && apparmor_status --enabled >/dev/null 2>&1; then
  if apparmor_parser --skip-kernel-load --debug "$profile" >/dev/null 2>&1; then
    cp -f "$profile" '/etc/apparmor.d/${executable}'
    if ! { command -v ischroot >/dev/null 2>&1 && ischroot; }; then
      apparmor_parser --replace --write-cache --skip-read-cache '/etc/apparmor.d/${executable}' || true
    fi
  fi
fi

if command -v update-desktop-database >/dev/null 2>&1; then
  update-desktop-database /usr/share/applications || true
fi
