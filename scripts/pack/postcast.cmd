@echo off
rem The command line of PostCast Server: the program itself, run as plain Node.js.
setlocal
set ELECTRON_RUN_AS_NODE=1
"%~dp0PostCast Server.exe" "%~dp0resources\app.asar\out\main\cli.js" %*
exit /b %ERRORLEVEL%
