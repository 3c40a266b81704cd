; The installer for Windows: for one user, without administrator's rights.
;   stagedoor-VERSION-setup.exe /S [/AUTOSTART] [/D=C:\folder]   silent; /D= comes last
;   uninstall.exe /S [/ACCOUNTS]                                 silent; /ACCOUNTS takes those out, too
; It is compiled with -DVERSION= -DFROM=(the folder with both programs) -DOUT=
Target amd64-unicode
Unicode true
!include "MUI2.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "WinMessages.nsh"

!define APP "Stagedoor"
!define ROOT "..\..\.."
!define UNINST "Software\Microsoft\Windows\CurrentVersion\Uninstall\${APP}"
!define APP_PATHS "Software\Microsoft\Windows\CurrentVersion\App Paths\stagedoor.exe"
; What notifications are from. The library that shows them never changes what is there.
!define TOASTS "Software\Classes\AppUserModelId\${APP}"

Name "${APP}"
OutFile "${OUT}"
RequestExecutionLevel user
InstallDir "$LOCALAPPDATA\Programs\${APP}"
InstallDirRegKey HKCU "${UNINST}" "InstallLocation"
SetDateSave off ; those of the files are of whoever built them
SetCompressor /SOLID lzma
ManifestDPIAware true
ManifestSupportedOS all
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "${APP}"
VIAddVersionKey "FileDescription" "${APP} ${VERSION} setup"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "CompanyName" "Stagedoor developers"
VIAddVersionKey "LegalCopyright" "MIT licence"

!ifdef SIGN
	!uninstfinalize '"${SIGN}" --sign "%1"' = 0
!endif

!define MUI_ICON "${ROOT}\assets\icon.ico"
!define MUI_UNICON "${ROOT}\assets\icon.ico"
!define MUI_FINISHPAGE_RUN "$INSTDIR\stagedoor-window.exe"
!insertmacro MUI_PAGE_LICENSE "${ROOT}\LICENSE"
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"

LangString AutostartName ${LANG_ENGLISH} "Start when I sign in"
LangString AutostartName ${LANG_GERMAN} "Beim Anmelden starten"
LangString PathName ${LANG_ENGLISH} "stagedoor in command prompts (PATH)"
LangString PathName ${LANG_GERMAN} "stagedoor in der Eingabeaufforderung (PATH)"
LangString Closing ${LANG_ENGLISH} "Stagedoor is open and does not close. Choose Quit in its menu, then Retry."
LangString Closing ${LANG_GERMAN} "Stagedoor ist offen und schließt sich nicht. Wählen Sie in seinem Menü Beenden, dann Wiederholen."
LangString Accounts ${LANG_ENGLISH} "Take out your accounts, too? The entries in your MCP clients are removed, the logins revoked, and the keychain's items and the audit log deleted. With No they stay for a later installation."
LangString Accounts ${LANG_GERMAN} "Auch Ihre Konten entfernen? Die Einträge in Ihren MCP-Clients werden entfernt, die Anmeldungen widerrufen, Schlüsselbund und Protokoll gelöscht. Mit Nein bleiben sie für eine spätere Installation."
LangString NotAll ${LANG_ENGLISH} "Not all of your accounts could be taken out; 'stagedoor uninstall' in a command prompt says why. Remove the program all the same?"
LangString NotAll ${LANG_GERMAN} "Nicht alle Konten konnten entfernt werden; 'stagedoor uninstall' in der Eingabeaufforderung sagt, warum. Das Programm trotzdem entfernen?"

Var ran ; "1" if a tray was closed, which comes back

; Close has the tray end, and asks if it does not.
!macro Close un
Function ${un}Close
	StrCpy $ran 0
	${IfNot} ${FileExists} "$INSTDIR\stagedoor.exe"
		Return
	${EndIf}
	again:
	nsExec::ExecToStack '"$INSTDIR\stagedoor.exe" quit'
	Pop $0
	Pop $1
	${If} $0 == 0
		StrCpy $1 $1 18
		${If} $1 == "the tray is closed"
			StrCpy $ran 1
		${EndIf}
	${Else}
		MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(Closing)" /SD IDCANCEL IDRETRY again
		Abort
	${EndIf}
FunctionEnd
!macroend
!insertmacro Close ""
!insertmacro Close "un."

; Away makes room for a file. A server that a client started runs from it for as long as
; the client does: a program that runs can be renamed, and not deleted.
!macro Away file
	ClearErrors
	Delete "$INSTDIR\${file}"
	${If} ${Errors}
		System::Call 'kernel32::GetTickCount()i .r9'
		Rename "$INSTDIR\${file}" "$INSTDIR\${file}.$9.old"
	${EndIf}
!macroend

Section "${APP}" SecMain
	SectionIn RO
	SetOutPath "$INSTDIR"
	Call Close
	Delete "$INSTDIR\*.old"
	!insertmacro Away "stagedoor.exe"
	!insertmacro Away "stagedoor-window.exe"
	ClearErrors
	File "${FROM}\stagedoor.exe"
	File "${FROM}\stagedoor-window.exe"
	File /oname=stagedoor.png "${ROOT}\assets\icon-256.png"
	File /oname=LICENSE.txt "${ROOT}\LICENSE"
	${If} ${Errors}
		Abort
	${EndIf}
	CreateShortcut "$SMPROGRAMS\${APP}.lnk" "$INSTDIR\stagedoor-window.exe" "" "$INSTDIR\stagedoor-window.exe" 0
	WriteRegStr HKCU "${TOASTS}" "DisplayName" "${APP}"
	WriteRegStr HKCU "${TOASTS}" "IconUri" "$INSTDIR\stagedoor.png"
	WriteRegStr HKCU "${APP_PATHS}" "" "$INSTDIR\stagedoor.exe"
	WriteUninstaller "$INSTDIR\uninstall.exe"
	WriteRegStr HKCU "${UNINST}" "DisplayName" "${APP}"
	WriteRegStr HKCU "${UNINST}" "DisplayVersion" "${VERSION}"
	WriteRegStr HKCU "${UNINST}" "Publisher" "Stagedoor developers"
	WriteRegStr HKCU "${UNINST}" "DisplayIcon" "$INSTDIR\stagedoor-window.exe,0"
	WriteRegStr HKCU "${UNINST}" "InstallLocation" "$INSTDIR"
	WriteRegStr HKCU "${UNINST}" "UninstallString" '"$INSTDIR\uninstall.exe"'
	WriteRegStr HKCU "${UNINST}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
	WriteRegStr HKCU "${UNINST}" "URLInfoAbout" "https://github.com/stagedoor-app/stagedoor"
	WriteRegDWORD HKCU "${UNINST}" "NoModify" 1
	WriteRegDWORD HKCU "${UNINST}" "NoRepair" 1
	${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
	WriteRegDWORD HKCU "${UNINST}" "EstimatedSize" $0
SectionEnd

Section "$(PathName)" SecPath
	nsExec::Exec '"$INSTDIR\stagedoor.exe" user-path on'
	Pop $0
	SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=1000
SectionEnd

Section /o "$(AutostartName)" SecAuto
	nsExec::Exec '"$INSTDIR\stagedoor.exe" autostart on'
	Pop $0
SectionEnd

; A tray that ran before comes back as the new one.
Section "-again"
	${If} $ran == 1
		Exec '"$INSTDIR\stagedoor-window.exe"'
	${EndIf}
SectionEnd

Function .onInit
	${GetParameters} $0
	ClearErrors
	${GetOptions} $0 "/AUTOSTART" $1
	${IfNot} ${Errors}
		SectionSetFlags ${SecAuto} 1
	${EndIf}
FunctionEnd

Section "Uninstall"
	Call un.Close
	${GetParameters} $0
	ClearErrors
	${GetOptions} $0 "/ACCOUNTS" $1
	${If} ${Errors}
		MessageBox MB_YESNO|MB_DEFBUTTON2|MB_ICONQUESTION "$(Accounts)" /SD IDNO IDNO stay
	${EndIf}
	nsExec::ExecToLog '"$INSTDIR\stagedoor.exe" uninstall --yes'
	Pop $0
	${If} $0 != 0
		MessageBox MB_YESNO|MB_DEFBUTTON2|MB_ICONEXCLAMATION "$(NotAll)" /SD IDNO IDYES stay
		Abort
	${EndIf}
	stay:
	nsExec::Exec '"$INSTDIR\stagedoor.exe" autostart off'
	Pop $0
	nsExec::Exec '"$INSTDIR\stagedoor.exe" user-path off'
	Pop $0
	SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=1000
	Delete "$SMPROGRAMS\${APP}.lnk"
	DeleteRegKey HKCU "${TOASTS}"
	DeleteRegKey HKCU "${APP_PATHS}"
	DeleteRegKey HKCU "${UNINST}"
	!insertmacro Away "stagedoor.exe"
	!insertmacro Away "stagedoor-window.exe"
	Delete /REBOOTOK "$INSTDIR\*.old"
	Delete "$INSTDIR\stagedoor.png"
	Delete "$INSTDIR\LICENSE.txt"
	Delete "$INSTDIR\uninstall.exe"
	RMDir "$INSTDIR"
SectionEnd
