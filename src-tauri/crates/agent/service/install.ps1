# Windows: a task that starts when the account logs on and again whenever it ends. A task and no service: the Credential Manager is
# the account's. Run as that account: powershell -ExecutionPolicy Bypass -File install.ps1 -Program C:\...\balcao-agent.exe
param(
    [Parameter(Mandatory)] [string] $Program,
    [string] $Profile = (Join-Path $env:LOCALAPPDATA 'br.com.balcao.desk')
)
$ErrorActionPreference = 'Stop'
$action = New-ScheduledTaskAction -Execute $Program -Argument "run --profile `"$Profile`""
$trigger = New-ScheduledTaskTrigger -AtLogOn -User $env:USERNAME
$settings = New-ScheduledTaskSettingsSet -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -StartWhenAvailable `
    -ExecutionTimeLimit ([TimeSpan]::Zero) -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) -MultipleInstances IgnoreNew
Register-ScheduledTask -TaskName 'Balcao agent' -Action $action -Trigger $trigger -Settings $settings -Force | Out-Null
Start-ScheduledTask -TaskName 'Balcao agent'
