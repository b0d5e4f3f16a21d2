package pan.demo.benchmark

import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager
import android.os.Build

/** Facts about the phone, for the benchmark. */
interface Phone {
    /** Manufacturer and model. */
    val name: String

    /** Android release, API level and hardware. */
    val platform: String

    val cores: Int

    /** Whether this is an emulator or another machine with x86 processors. */
    val isX86: Boolean

    /** Temperature of the battery in degrees Celsius; null if unknown. */
    fun batteryCelsius(): Float?

    /** Whether the phone runs from its battery; null if unknown. */
    fun isUnplugged(): Boolean?
}

/** The phone that this runs on. */
class ThisPhone(
    private val context: Context,
) : Phone {
    override val name: String get() = "${Build.MANUFACTURER} ${Build.MODEL}"

    override val platform: String
        get() = "Android ${Build.VERSION.RELEASE}, API ${Build.VERSION.SDK_INT}, ${Build.HARDWARE}"

    override val cores: Int get() = Runtime.getRuntime().availableProcessors()

    override val isX86: Boolean get() =
        Build.SUPPORTED_ABIS
            .firstOrNull()
            .orEmpty()
            .startsWith("x86")

    override fun batteryCelsius(): Float? {
        val tenths = battery()?.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Int.MIN_VALUE) ?: Int.MIN_VALUE
        return if (tenths == Int.MIN_VALUE) null else tenths / TENTHS
    }

    override fun isUnplugged(): Boolean? {
        val plugged = battery()?.getIntExtra(BatteryManager.EXTRA_PLUGGED, -1) ?: -1
        return if (plugged < 0) null else plugged == 0
    }

    /** Sticky: without a receiver it is given at once. */
    private fun battery(): Intent? = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED))

    private companion object {
        const val TENTHS = 10f
    }
}
