"""Runs commands on an Android device through the Android Debug Bridge (adb)."""

import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pan_keras.errors import UserError

ANSWER = 30.0  # seconds for a short command
TRANSFER = 300.0  # seconds for a file
NOT_READY = {
    "unauthorized": "allow USB debugging on its screen",
    "offline": "reconnect it, or run: adb reconnect",
}


@dataclass(frozen=True)
class Battery:
    """State of a device's battery; a value the device does not report is None.

    Attributes:
        celsius: Temperature.
        unplugged: Whether no charger is connected.
        charge_uah: Remaining charge in microampere hours.
        volts: Voltage.
    """

    celsius: float | None
    unplugged: bool | None
    charge_uah: int | None
    volts: float | None

    def joules_since(self, before: "Battery") -> float | None:
        """Returns the energy taken from the battery since an earlier state; None if it is unknown.

        Args:
            before: The earlier state. The energy is unknown if a charger was connected.

        Example:
            >>> before = Battery(30.0, True, 2_000_000, 4.0)
            >>> round(Battery(31.0, True, 1_990_000, 4.0).joules_since(before), 3)
            144.0
        """
        if not (self.unplugged and before.unplugged):
            return None
        if None in (self.charge_uah, before.charge_uah, self.volts, before.volts):
            return None
        coulombs = (before.charge_uah - self.charge_uah) * 3600e-6  # type: ignore[operator]
        volts = (before.volts + self.volts) / 2  # type: ignore[operator]
        return coulombs * volts if coulombs > 0 else None


class Adb:
    """Runs commands on one Android device.

    Args:
        serial: Serial number; not needed if only one device is connected.

    Raises:
        UserError: If adb is not installed, no device is connected, none has that serial number,
            several are connected and `serial` is None, or the device does not accept commands.
    """

    def __init__(self, serial: str | None = None):
        self.serial = self._choose(serial)

    def shell(self, *command: str, seconds: float = ANSWER) -> str:
        """Runs a command on the device and returns its output.

        Args:
            command: The command and its arguments, unquoted.
            seconds: Time limit.

        Raises:
            UserError: If it fails or takes longer.
        """
        # adb joins its arguments with spaces and passes them to a shell.
        return self._device("shell", shlex.join(command), seconds=seconds)

    def answers(self, *command: str) -> bool:
        """Tells whether a command succeeds on the device.

        Raises:
            UserError: If it takes too long.
        """
        return _run(self._command("shell", shlex.join(command)), ANSWER).returncode == 0

    def push(self, source: Path, target: str) -> None:
        """Copies a file, or the content of a folder, to the device.

        Raises:
            UserError: If that fails or takes longer than five minutes.
        """
        name = f"{source}/." if source.is_dir() else str(source)
        self._device("push", name, target, seconds=TRANSFER)

    def pull(self, source: str, target: Path) -> None:
        """Copies a file from the device.

        Raises:
            UserError: If that fails or takes longer than five minutes.
        """
        self._device("pull", source, str(target), seconds=TRANSFER)

    def properties(self) -> dict[str, str]:
        """Returns the system properties by name.

        Raises:
            UserError: If the device does not answer.
        """
        return dict(re.findall(r"^\[(.*?)\]: \[(.*)\]\s*$", self.shell("getprop"), re.MULTILINE))

    def battery(self) -> Battery:
        """Returns the state of the battery.

        Raises:
            UserError: If the device does not answer.
        """
        said = self.shell("dumpsys", "battery")
        temperature, voltage = _number(said, "temperature"), _number(said, "voltage")
        charge = _number(said, "Charge counter")
        powered = re.findall(r"^\s*\w+ powered: (true|false)", said, re.MULTILINE)
        return Battery(
            None if temperature is None else temperature / 10,
            "true" not in powered if powered else None,
            charge or None,  # 0 where there is no counter
            voltage / 1000 if voltage else None,
        )

    def _device(self, *arguments: str, seconds: float) -> str:
        done = _run(self._command(*arguments), seconds)
        if done.returncode:
            lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            raise UserError(f"adb: {self.serial}: {arguments[0]} failed: {lines[-1]}")
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return ["adb", "-s", self.serial, *arguments]

    @staticmethod
    def _choose(serial: str | None) -> str:
        lines = _run(["adb", "devices"], ANSWER).stdout.splitlines()
        devices = dict(line.split("\t", 1) for line in lines if "\t" in line)
        if not devices:
            raise UserError(
                "adb: no device is connected; connect a phone with USB debugging switched on"
            )
        names = ", ".join(devices)
        if serial is None and len(devices) > 1:
            raise UserError(f"adb: {names} are connected; choose one with --serial")
        serial = serial or next(iter(devices))
        if serial not in devices:
            raise UserError(f"adb: no device has the serial number {serial}; there is {names}")
        state = devices[serial].strip()
        if state != "device":
            what = NOT_READY.get(state, "reconnect it")
            raise UserError(f"adb: {serial} is {state}; {what}")
        return serial


def _run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise UserError(
            "adb: not found; install Android's platform tools and put adb on the PATH"
        ) from None
    except OSError as error:
        raise UserError(f"adb: cannot be run ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise UserError(
            f"adb: no answer within {seconds:.0f} s; wake the device, or run: adb kill-server"
        ) from None


def _number(said: str, name: str) -> int | None:
    found = re.search(rf"^\s*{name}: (-?\d+)\s*$", said, re.MULTILINE)
    return int(found[1]) if found else None
